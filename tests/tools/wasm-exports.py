"""Takes out of a wasm module the names of its functions, and the proxy-wasm callbacks that the filter has no use for.

The SDK exports every callback there is, and Envoy crosses into the VM for each one that a module exports
(about 6 microseconds a request, measured). What is left out here must be one that filter/ does not implement.
Usage: wasm-exports.py IN OUT
"""

import sys

# Of the proxy-wasm ABI 0.2.1; every one of these is a no-op in the SDK unless a trait method is written.
UNUSED = {
    "proxy_on_new_connection",
    "proxy_on_downstream_data",
    "proxy_on_downstream_connection_close",
    "proxy_on_upstream_data",
    "proxy_on_upstream_connection_close",
    "proxy_on_done",
    "proxy_on_log",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_request_metadata",
    "proxy_on_response_body",
    "proxy_on_response_trailers",
    "proxy_on_response_metadata",
    "proxy_on_grpc_receive_initial_metadata",
    "proxy_on_grpc_receive",
    "proxy_on_grpc_receive_trailing_metadata",
    "proxy_on_grpc_close",
    "proxy_on_foreign_function",
}
CUSTOM_SECTION, EXPORT_SECTION = 0, 7
NAMES = b"\x04name"


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number and the position behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def without_unused(section: bytes) -> bytes:
    count, at = read_number(section, 0)
    kept = []
    for _ in range(count):
        begin = at
        length, at = read_number(section, at)
        name = section[at : at + length].decode()
        _, at = read_number(section, at + length + 1)
        if name not in UNUSED:
            kept.append(section[begin:at])
    return number(len(kept)) + b"".join(kept)


def main(source: str, target: str) -> None:
    with open(source, "rb") as file:
        module = file.read()
    out, at = bytearray(module[:8]), 8
    while at < len(module):
        kind = module[at]
        size, begin = read_number(module, at + 1)
        body = module[begin : begin + size]
        at = begin + size
        if kind == CUSTOM_SECTION and body.startswith(NAMES):
            continue
        if kind == EXPORT_SECTION:
            body = without_unused(body)
        out += bytes([kind]) + number(len(body)) + body
    with open(target, "wb") as file:
        file.write(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
