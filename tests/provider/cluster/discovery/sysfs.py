"""A machine's /sys and /proc as the kernel and NVIDIA's driver write them, as far as cards are told by them."""

from __future__ import annotations

from pathlib import Path


class Machine:
    def __init__(self, root: Path) -> None:
        self.sys, self.proc = root / "sys", root / "proc"
        self.devices = self.sys / "bus" / "pci" / "devices"
        self.devices.mkdir(parents=True)
        self.proc.mkdir()

    def put(self, address: str, ids: str, kind: str = "0x030200", *, driver: str = "", of: str = "") -> Path:
        """A function, `ids` as "10de:2330". `of` names the physical function whose slice it is."""
        home = self.sys / "devices" / "pci0000:00" / address
        home.mkdir(parents=True)
        vendor, device = ids.split(":")
        for name, value in {"class": kind, "vendor": f"0x{vendor}", "device": f"0x{device}"}.items():
            (home / name).write_text(f"{value}\n")
        if driver:
            (there := self.sys / "bus" / "pci" / "drivers" / driver).mkdir(parents=True, exist_ok=True)
            (home / "driver").symlink_to(Path("../../..") / there.relative_to(self.sys))
        if of:
            (home / "physfn").symlink_to(Path("..") / of)
        (self.devices / address).symlink_to(Path("../../..") / home.relative_to(self.sys))
        return home

    def pull(self, address: str) -> None:
        (self.devices / address).unlink()

    def named(self, address: str, product: str) -> None:
        """As the driver tells it once it holds the card."""
        file = self.proc / "driver" / "nvidia" / "gpus" / address / "information"
        file.parent.mkdir(parents=True)
        file.write_text(f"Model: \t\t {product}\nIRQ:   \t\t 123\nGPU UUID: \t GPU-1\nBus Location: \t {address}\n")

    def cut(self) -> None:
        (self.proc / "driver" / "nvidia" / "capabilities" / "gpu0" / "mig" / "gi1").mkdir(parents=True)
