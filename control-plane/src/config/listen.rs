//! `listen`: the two listeners.

use std::net::{Ipv4Addr, SocketAddr};

use kubegate_core::document::{Fields, Node};

/// The two listeners.
pub(super) struct Listen {
    pub(super) public: SocketAddr,
    pub(super) internal: SocketAddr,
    pub(super) trusted_proxy_hops: usize,
}

/// The fields of this section.
const FIELDS: [&str; 3] = ["public", "internal", "trustedProxyHops"];

/// Reads `listen`.
pub(super) fn read(node: Option<&Node<'_>>) -> Option<Listen> {
    let fields = match node {
        Some(node) => Some(node.fields(&FIELDS)?),
        None => None,
    };
    let public = address(fields.as_ref(), "public", 8080);
    let internal = address(fields.as_ref(), "internal", 8081);
    let hops = match fields.as_ref().and_then(|fields| fields.get("trustedProxyHops")) {
        Some(node) => node.integer(0..=16).and_then(|hops| usize::try_from(hops).ok()),
        None => Some(1),
    };
    let listen = Listen { public: public?, internal: internal?, trusted_proxy_hops: hops? };
    if listen.public == listen.internal && listen.public.port() != 0 {
        node?.report("public and internal are the same address", "give each listener its own port");
        return None;
    }
    Some(listen)
}

fn address(fields: Option<&Fields<'_>>, name: &str, default_port: u16) -> Option<SocketAddr> {
    let Some(node) = fields.and_then(|fields| fields.get(name)) else {
        return Some(SocketAddr::from((Ipv4Addr::LOCALHOST, default_port)));
    };
    let text = node.non_empty_text()?;
    text.parse()
        .map_err(|_| {
            node.report(format!("{text:?} is not an address and port"), "write it like 127.0.0.1:8080 or [::]:8080");
        })
        .ok()
}
