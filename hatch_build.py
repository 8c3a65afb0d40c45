"""Compiles provider/chain/proto into one descriptor set, provider/chain/akash.binpb, at every build and install.

Reviews see only the .proto files; the descriptor set is git-ignored and travels inside the wheel. A process that starts
meanwhile finds the old one or the new one, never half of it.
"""

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DescriptorSet(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        import grpc_tools
        from grpc_tools import protoc

        chain = Path(self.root) / "provider" / "chain"
        protos = sorted(str(p.relative_to(chain / "proto")) for p in (chain / "proto").rglob("*.proto"))
        include = Path(grpc_tools.__file__).parent / "_proto"
        partial = chain / f".akash.binpb.{os.getpid()}"
        failed = protoc.main(
            [
                "protoc",
                f"-I{chain / 'proto'}",
                f"-I{include}",
                "--include_imports",
                f"--descriptor_set_out={partial}",
                *protos,
            ]
        )
        if failed:
            raise RuntimeError("protoc could not compile provider/chain/proto; its messages are above")
        partial.replace(chain / "akash.binpb")
