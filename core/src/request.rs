//! Kubernetes request attributes: what the API server itself makes of a method and a URL.
//!
//! [`Target::parse`] refuses every target that the two sides could read differently; [`Attributes::of`] then follows
//! `RequestInfoFactory.NewRequestInfo` (`k8s.io/apiserver/pkg/endpoints/request/requestinfo.go`) step by step, and
//! Go's `net/url` for the query.

mod label_selector;
mod query;
mod target;

use std::borrow::Cow;

use query::MAX_PARAMETERS;
pub(crate) use target::escape;
pub use target::{InvalidTarget, MAX_TARGET, Target};

/// The attributes of a request, as the API server's `RequestInfo` has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// `get`, `list`, `watch`, `create`, …; the method in lower case for a request outside of the resource API.
    pub verb: Cow<'a, str>,
    /// The API group; empty for the core group.
    pub api_group: &'a str,
    /// The API version.
    pub api_version: &'a str,
    /// The resource (plural).
    pub resource: &'a str,
    /// The subresource.
    pub subresource: &'a str,
    /// The namespace; empty outside of namespaces.
    pub namespace: &'a str,
    /// The object's name; empty when the request is about a collection.
    pub name: Cow<'a, str>,
    /// Whether it is a request to the resource API.
    pub is_resource_request: bool,
    /// The decoded path.
    pub path: Cow<'a, str>,
}

/// Why no attributes can be made of a request with certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// The API server's own parser fails on it.
    #[error("the path names neither a resource nor a namespace behind its verb")]
    NoResource,
    /// The API server reads it in more than one way.
    #[error("the value of watch is not ASCII text")]
    Watch,
    /// The name in it could be read as another.
    #[error("the value of fieldSelector is not UTF-8 text")]
    FieldSelector,
    /// The API server does not take it, and finds no name in the field selector beside it.
    #[error("the labelSelector is malformed, beside a fieldSelector for one name")]
    LabelSelector,
    /// API servers of different age read it differently.
    #[error("the query has a semicolon")]
    Semicolon,
    /// The API server may read none of them.
    #[error("the query has more than {MAX_PARAMETERS} parameters")]
    Parameters,
}

/// Subresources that let one act inside of a workload or speak to it: whatever the method, they are judged as `create`
/// (an exec over WebSocket is a GET: kubernetes#78741, #133515).
pub(crate) const CONNECTING: [&str; 4] = ["exec", "attach", "portforward", "proxy"];

impl<'a> Attributes<'a> {
    /// The attributes of a request.
    ///
    /// # Errors
    /// When the API server's own parser fails on it, or reads it in more than one way.
    pub fn of(method: &'a str, target: &'a Target<'_>) -> Result<Self, InvalidRequest> {
        let path = target.path();
        let mut attributes = Self::outside(method, path);
        let mut parts = path.trim_matches('/').split('/');
        let total = parts.clone().count();
        let prefix = parts.next().unwrap_or_default();
        if total < 3 || !matches!(prefix, "api" | "apis") {
            return Ok(attributes);
        }
        if prefix == "apis" {
            if total < 4 {
                return Ok(attributes);
            }
            attributes.api_group = parts.next().unwrap_or_default();
        }
        attributes.is_resource_request = true;
        attributes.api_version = parts.next().unwrap_or_default();
        let mut rest: Vec<&'a str> = parts.collect();

        // The forms /proxy/… and /watch/…
        match rest.split_first() {
            Some((&verb @ ("proxy" | "watch"), behind)) => {
                if behind.is_empty() {
                    return Err(InvalidRequest::NoResource);
                }
                attributes.verb = Cow::Borrowed(verb);
                rest = behind.to_vec();
            }
            _ => attributes.verb = Cow::Borrowed(verb_of(method)),
        }

        // The form /namespaces/{namespace}/{resource}/…, where `status` and `finalize` belong to the namespace itself.
        if let ["namespaces", namespace, behind @ ..] = rest.as_slice() {
            attributes.namespace = namespace;
            if behind.first().is_some_and(|next| !matches!(*next, "status" | "finalize")) {
                rest = behind.to_vec();
            }
        }

        let mut rest = rest.into_iter();
        attributes.resource = rest.next().unwrap_or_default();
        attributes.name = Cow::Borrowed(rest.next().unwrap_or_default());
        if attributes.verb != "proxy" {
            attributes.subresource = rest.next().unwrap_or_default();
        }
        attributes.refine_collection(target.query())?;
        Ok(attributes)
    }

    /// What a request outside of the resource API has.
    fn outside(method: &'a str, path: &'a str) -> Self {
        Self {
            verb: if method.bytes().any(|byte| byte.is_ascii_uppercase()) {
                method_in_lower_case(method)
            } else {
                Cow::Borrowed(method)
            },
            api_group: "",
            api_version: "",
            resource: "",
            subresource: "",
            namespace: "",
            name: Cow::Borrowed(""),
            is_resource_request: false,
            path: Cow::Borrowed(path),
        }
    }

    /// A nameless `get` is a `list` or a `watch`, and a nameless `delete` a `deletecollection`.
    fn refine_collection(&mut self, query: &str) -> Result<(), InvalidRequest> {
        if !self.name.is_empty() {
            return Ok(());
        }
        if self.verb == "get" {
            let options = query::ListOptions::parse(query)?;
            self.verb = Cow::Borrowed(if options.watch { "watch" } else { "list" });
            if let Some(name) = options.name {
                self.name = Cow::Owned(name);
            }
        }
        // The API server asks for the name again here, but only a `get` can have found one.
        if self.verb == "delete" {
            self.verb = Cow::Borrowed("deletecollection");
        }
        Ok(())
    }

    /// The verb that rules are asked about: the request's own, but `create` for what connects into a workload.
    #[must_use]
    pub fn judged_verb(&self) -> &str {
        let connects = CONNECTING.contains(&self.subresource) && self.verb != "impersonate";
        if self.is_resource_request && connects { "create" } else { &self.verb }
    }

    /// Whether the path is one of API discovery: the non-resource URLs of Kubernetes' ClusterRole `system:discovery`.
    #[must_use]
    pub fn is_discovery_path(&self) -> bool {
        const EXACT: [&str; 9] =
            ["/api", "/apis", "/healthz", "/livez", "/openapi", "/readyz", "/version", "/version/", "/api/"];
        const BELOW: [&str; 3] = ["/api/", "/apis/", "/openapi/"];
        !self.is_resource_request
            && (EXACT.contains(&self.path.as_ref()) || BELOW.iter().any(|prefix| self.path.starts_with(prefix)))
    }

    /// Whether it is a question about oneself: what Kubernetes' ClusterRole `system:basic-user` allows, and
    /// `SelfSubjectReview`.
    #[must_use]
    pub fn is_question_about_oneself(&self) -> bool {
        self.is_resource_request
            && self.verb == "create"
            && self.subresource.is_empty()
            && matches!(
                (self.api_group, self.resource),
                ("authentication.k8s.io", "selfsubjectreviews")
                    | ("authorization.k8s.io", "selfsubjectaccessreviews" | "selfsubjectrulesreviews")
            )
    }
}

/// The verb of a method (case matters), before collections are told apart.
fn verb_of(method: &str) -> &'static str {
    match method {
        "POST" => "create",
        "GET" | "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

fn method_in_lower_case(method: &str) -> Cow<'_, str> {
    match method {
        "GET" => Cow::Borrowed("get"),
        "POST" => Cow::Borrowed("post"),
        "HEAD" => Cow::Borrowed("head"),
        "PUT" => Cow::Borrowed("put"),
        "PATCH" => Cow::Borrowed("patch"),
        "DELETE" => Cow::Borrowed("delete"),
        "OPTIONS" => Cow::Borrowed("options"),
        other => Cow::Owned(other.to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// verb, group, version, resource, subresource, namespace, name, is_resource_request
    type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str, bool);

    #[track_caller]
    fn check(method: &str, url: &str, expected: Row) {
        let target = Target::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let found = Attributes::of(method, &target).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(
            (
                found.verb.as_ref(),
                found.api_group,
                found.api_version,
                found.resource,
                found.subresource,
                found.namespace,
                found.name.as_ref(),
                found.is_resource_request
            ),
            expected,
            "{method} {url}"
        );
    }

    #[test]
    fn resources() {
        let ns = "/api/v1/namespaces/x";
        check("GET", "/api/v1/namespaces", ("list", "", "v1", "namespaces", "", "", "", true));
        check("GET", ns, ("get", "", "v1", "namespaces", "", "x", "x", true));
        check("PUT", &format!("{ns}/finalize"), ("update", "", "v1", "namespaces", "finalize", "x", "x", true));
        check("GET", &format!("{ns}/pods"), ("list", "", "v1", "pods", "", "x", "", true));
        check("GET", &format!("{ns}/pods/"), ("list", "", "v1", "pods", "", "x", "", true));
        check("GET", &format!("{ns}/pods?watch=1"), ("watch", "", "v1", "pods", "", "x", "", true));
        check("GET", &format!("{ns}/pods?watch"), ("watch", "", "v1", "pods", "", "x", "", true));
        check("GET", &format!("{ns}/pods?watch=False"), ("list", "", "v1", "pods", "", "x", "", true));
        check("GET", &format!("{ns}/pods?watch=0&watch=1"), ("list", "", "v1", "pods", "", "x", "", true));
        check("GET", &format!("{ns}/pods/p?watch=1"), ("get", "", "v1", "pods", "", "x", "p", true));
        check("HEAD", &format!("{ns}/pods/p"), ("get", "", "v1", "pods", "", "x", "p", true));
        check("DELETE", &format!("{ns}/pods"), ("deletecollection", "", "v1", "pods", "", "x", "", true));
        check("DELETE", &format!("{ns}/pods/p"), ("delete", "", "v1", "pods", "", "x", "p", true));
        check("GET", &format!("{ns}/pods/p/exec?command=sh"), ("get", "", "v1", "pods", "exec", "x", "p", true));
        check("GET", "/api/v1/watch/namespaces/x/pods", ("watch", "", "v1", "pods", "", "x", "", true));
        check("GET", "/api/v1/proxy/nodes/n/y/z", ("proxy", "", "v1", "nodes", "", "", "n", true));
        check("OPTIONS", &format!("{ns}/pods"), ("", "", "v1", "pods", "", "x", "", true));
        check("get", &format!("{ns}/pods"), ("", "", "v1", "pods", "", "x", "", true));
        check(
            "PATCH",
            "/apis/apps/v1/namespaces/x/deployments/d/scale",
            ("patch", "apps", "v1", "deployments", "scale", "x", "d", true),
        );
        check(
            "GET",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
            ("get", "rbac.authorization.k8s.io", "v1", "clusterroles", "", "", "system:node", true),
        );
    }

    #[test]
    fn names_from_field_selectors() {
        for (selector, verb, name) in [
            ("fieldSelector=metadata.name%3Dp", "list", "p"),
            ("fieldSelector=metadata.name%3D%3Dp&watch=true", "watch", "p"),
            ("fieldSelector=spec.nodeName%3Dn,metadata.name%3Dp", "list", "p"),
            ("fieldSelector=metadata.name!%3Dp", "list", ""),
            ("fieldSelector=metadata.name", "list", ""),
            ("fieldSelector=metadata.name%3Da%2Fb", "list", ""),
            ("fieldSelector=metadata.name%3Dp&limit=x", "list", ""),
            ("fieldSelector=metadata.name%3Dp&limit=", "list", ""),
            ("fieldSelector=metadata.name%3Dp&limit=500", "list", "p"),
            ("fieldSelector=metadata.name%3Da%3Bb", "list", "a;b"),
            ("fieldSelector=metadata.name%3Dp&labelSelector=a+in+(b,c)", "list", "p"),
            ("fieldSelector=metadata.name%3Dp&labelSelector=&labelSelector=a%3D%3D%3Db", "list", "p"),
            ("fieldSelector=metadata.namespace%3Dp&labelSelector=a%3D%3D%3Db", "list", ""),
            ("fieldSelector=metadata.name%3Dp&limit=x&labelSelector=a%3D%3D%3Db", "list", ""),
        ] {
            check("GET", &format!("/api/v1/pods?{selector}"), (verb, "", "v1", "pods", "", "", name, true));
        }
    }

    #[test]
    fn outside_of_the_resource_api() {
        for path in [
            "/",
            "/api",
            "/api/v1",
            "/apis",
            "/apis/apps",
            "/apis/apps/v1",
            "/healthz",
            "/metrics/cadvisor",
            "/logs/a/b/c",
        ] {
            check("GET", path, ("get", "", "", "", "", "", "", false));
        }
        check("HEAD", "/healthz", ("head", "", "", "", "", "", "", false));
    }

    #[test]
    fn what_cannot_be_read_with_certainty_fails() {
        let target = Target::parse("/api/v1/watch").unwrap();
        assert_eq!(Attributes::of("GET", &target), Err(InvalidRequest::NoResource));
        let many = "a&".repeat(MAX_PARAMETERS);
        for (query, expected) in [
            ("watch=%ff", InvalidRequest::Watch),
            ("watch=fal%C5%BFe", InvalidRequest::Watch),
            ("fieldSelector=metadata.name%3D%ff", InvalidRequest::FieldSelector),
            ("fieldSelector=metadata.name%3Dp&labelSelector=a%3D%3D%3Db", InvalidRequest::LabelSelector),
            ("fieldSelector=metadata.name%3Dp&labelSelector=a%3D%ff", InvalidRequest::LabelSelector),
            ("fieldSelector=metadata.name%3Dp&labelSelector=a%00", InvalidRequest::LabelSelector),
            ("x;watch=1", InvalidRequest::Semicolon),
            (&many, InvalidRequest::Parameters),
        ] {
            let url = format!("/api/v1/pods?{query}");
            assert_eq!(Attributes::of("GET", &Target::parse(&url).unwrap()), Err(expected), "{url}");
        }
    }

    #[test]
    fn connecting_is_judged_as_create() {
        for (url, judged) in [
            ("/api/v1/namespaces/x/pods/p/exec", "create"),
            ("/api/v1/namespaces/x/services/s/proxy/a", "create"),
            ("/api/v1/nodes/n/proxy/logs", "create"),
            ("/api/v1/namespaces/x/pods/p/log", "get"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!(Attributes::of("GET", &target).unwrap().judged_verb(), judged, "{url}");
        }
    }
}
