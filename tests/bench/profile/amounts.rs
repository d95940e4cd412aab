//! How many bytes a host call of proxy-wasm's ABI 0.2.1 copies, and a call of the allocator asks for.

/// A number that a call's arguments tell.
#[derive(Clone, Copy, Debug)]
pub(super) enum Amount {
    /// Always this one.
    Fixed(i64),
    /// The argument at this position.
    Argument(usize),
    /// What the argument at this position points to, once the call is over.
    Pointed(usize),
}

use Amount::{Argument, Fixed, Pointed};

/// What is copied between Envoy's memory and the filter's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copied {
    /// By Envoy from the filter.
    pub(super) out: &'static [Amount],
    /// By Envoy to the filter.
    pub(super) into: &'static [Amount],
}

/// What a host call copies; nothing when that is not written down here.
pub(super) fn copied(call: &str) -> Option<Copied> {
    let (out, into): (&[Amount], &[Amount]) = match call {
        "proxy_get_header_map_pairs" => (&[], &[Pointed(2)]),
        "proxy_set_header_map_pairs" | "proxy_remove_header_map_value" | "proxy_log" => (&[Argument(2)], &[]),
        "proxy_get_header_map_value" => (&[Argument(2)], &[Pointed(4)]),
        "proxy_add_header_map_value" | "proxy_replace_header_map_value" => (&[Argument(2), Argument(4)], &[]),
        "proxy_get_property" => (&[Argument(1)], &[Pointed(3)]),
        "proxy_set_property" => (&[Argument(1), Argument(3)], &[]),
        "proxy_send_local_response" => (&[Argument(2), Argument(4), Argument(6)], &[]),
        "proxy_define_metric" => (&[Argument(2)], &[Fixed(4)]),
        "proxy_get_current_time_nanoseconds" | "clock_time_get" => (&[], &[Fixed(8)]),
        "proxy_increment_metric" | "proxy_record_metric" | "proxy_set_effective_context" => (&[], &[]),
        _ => return None,
    };
    Some(Copied { out, into })
}

/// Rust's allocator by how the names of its functions end: what counts their calls, and how many bytes they ask for.
pub(super) const ALLOCATOR: [(&str, &str, &[Amount]); 4] = [
    ("___rust_alloc", "allocations", &[Argument(0)]),
    ("___rust_alloc_zeroed", "allocations", &[Argument(0)]),
    ("___rust_realloc", "reallocations", &[Argument(3)]),
    ("___rust_dealloc", "frees", &[]),
];
