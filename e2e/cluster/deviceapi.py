"""The messages of the kubelet's device plugin protocol, v1beta1, as far as a plugin without frills needs them.

Declared here field by field: name, number, type; `*` before a type means a list. Fields that are not declared are
skipped in what the kubelet sends.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

_PACKAGE = "v1beta1"
REGISTER = f"/{_PACKAGE}.Registration/Register"
PLUGIN = f"{_PACKAGE}.DevicePlugin"

_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Empty": {},
    "DevicePluginOptions": {},
    "RegisterRequest": {"version": (1, "string"), "endpoint": (2, "string"), "resource_name": (3, "string")},
    "Device": {"ID": (1, "string"), "health": (2, "string")},
    "ListAndWatchResponse": {"devices": (1, "*Device")},
    "ContainerAllocateRequest": {"devices_ids": (1, "*string")},
    "AllocateRequest": {"container_requests": (1, "*ContainerAllocateRequest")},
    "Env": {"key": (1, "string"), "value": (2, "string")},  # an entry of a map, which on the wire is a list
    "ContainerAllocateResponse": {"envs": (1, "*Env")},
    "AllocateResponse": {"container_responses": (1, "*ContainerAllocateResponse")},
}


def encode(some: message.Message) -> bytes:
    return some.SerializeToString()


def _declared() -> descriptor_pb2.FileDescriptorProto:
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="deviceplugin.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        declared = file.message_type.add(name=name)
        for field, (number, written) in fields.items():
            entry = declared.field.add(name=field, number=number, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_STRING)
            if written.startswith("*"):
                entry.label = kinds.LABEL_REPEATED
            if written.lstrip("*") in _MESSAGES:
                entry.type, entry.type_name = kinds.TYPE_MESSAGE, f".{_PACKAGE}.{written.lstrip('*')}"
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_declared())


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


Empty = _class("Empty")
DevicePluginOptions = _class("DevicePluginOptions")
RegisterRequest = _class("RegisterRequest")
Device = _class("Device")
ListAndWatchResponse = _class("ListAndWatchResponse")
AllocateRequest = _class("AllocateRequest")
Env = _class("Env")
ContainerAllocateResponse = _class("ContainerAllocateResponse")
AllocateResponse = _class("AllocateResponse")
