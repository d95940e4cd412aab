;; A proxy-wasm filter that does one of several bad deeds, by the letter in the request's header `x-deed`.
(module
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $replace (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "x-deed")
  ${DATA}
  ;; The host puts one value here, and no other.
  (func (export "malloc") (param i32) (result i32) (i32.const 60000))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (local $deed i32)
    (if (call $get (i32.const 0) (i32.const 0) (i32.const 6) (i32.const 16) (i32.const 20))
      (then (return (i32.const 0))))
    (local.set $deed (i32.load8_u (i32.load (i32.const 16))))
    ${DEEDS}
    (i32.const 0)))
