//! A request line, as `METHOD target`: paths that nobody reads twice, attributes that follow from them.
#![no_main]

use kubegate_core::request::{Attributes, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    let (method, url) = line.split_once(' ').unwrap_or(("GET", line));
    let Ok(target) = Target::parse(url) else { return };
    let path = target.path();
    assert!(path.starts_with('/') && !path.contains("//") && !path.contains([';', '\\']), "{path:?}");
    assert!(path.split('/').all(|segment| segment != "." && segment != ".."), "{path:?}");
    assert!(!path.contains(|character: char| character.is_ascii_control()), "{path:?}");

    let attributes = Attributes::of(method, &target);
    let spelled = spelled_out(path, target.query());
    let other = Target::parse(&spelled);
    match &other {
        Ok(other) => assert_eq!(Attributes::of(method, other), attributes, "{spelled} is {url}"),
        Err(error) => assert!(spelled.len() > url.len(), "{spelled}: {error}"),
    }
    let Ok(attributes) = attributes else { return };

    if !attributes.is_resource_request {
        assert_eq!(attributes.verb, method.to_ascii_lowercase());
        assert_eq!(attributes.judged_verb(), attributes.verb);
        assert!(attributes.resource.is_empty() && attributes.name.is_empty() && attributes.namespace.is_empty());
        return;
    }
    assert!(path.starts_with("/api/") || path.starts_with("/apis/"), "{path}");
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy", ""];
    assert!(verbs.contains(&attributes.verb.as_ref()), "{}", attributes.verb);
    assert!(!attributes.resource.is_empty() && !attributes.resource.contains('/'));
    assert!(!attributes.name.contains('/') && !matches!(attributes.name.as_ref(), "." | ".."));
    assert!(!matches!(attributes.verb.as_ref(), "get" | "delete") || !attributes.name.is_empty());
    let connects = matches!(attributes.subresource, "exec" | "attach" | "portforward" | "proxy");
    assert_eq!(attributes.judged_verb(), if connects { "create" } else { &attributes.verb });
    assert!(!attributes.is_discovery_path());
});

/// The same target with every character of its path escaped, and with a parameter that nobody knows.
fn spelled_out(path: &str, query: &str) -> String {
    let escaped = |byte: u8| if byte == b'/' { "/".to_owned() } else { format!("%{byte:02x}") };
    let path: String = path.bytes().map(escaped).collect();
    format!("{path}?{query}&unknown=1")
}
