"""The official TypeScript SDK beside ours: installed from its registry once, asked for what it makes of SDL files.

Versions are pinned by package.json and package-lock.json, whose digest is part of the cache path."""

from e2e.sdk.install import SdkMissing, installed
from e2e.sdk.run import Answer, answers, pace

__all__ = ["Answer", "SdkMissing", "answers", "installed", "pace"]
