//! The request of a case: a method and a path, or RBAC's words.

use kubegate_core::document::{Fields, Node};
use kubegate_core::request::{Attributes, Target};

use crate::commands::policy::trial;

/// The methods of Kubernetes' API, in which case matters.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The verbs of the resource API, the method of each, and the query that kubectl adds.
const VERBS: [(&str, &str, &str); 8] = [
    ("get", "GET", ""),
    ("list", "GET", ""),
    ("watch", "GET", "watch=true"),
    ("create", "POST", ""),
    ("update", "PUT", ""),
    ("patch", "PATCH", ""),
    ("delete", "DELETE", ""),
    ("deletecollection", "DELETE", ""),
];

/// `GET /api/v1/pods`, or a mapping of RBAC's words: the method, and path and query.
pub(super) fn read_request(node: &Node<'_>) -> Option<(String, String)> {
    if let Some(text) = node.as_text() {
        return read_line(node, text);
    }
    let fields = node.fields(&["verb", "group", "version", "resource", "subresource", "namespace", "name", "path"])?;
    match fields.get("path") {
        Some(path) => read_path(&fields, &path),
        None => Words::read(&fields)?.request(node),
    }
}

fn read_line(node: &Node<'_>, text: &str) -> Option<(String, String)> {
    let split = text.split_once(' ').filter(|(method, url)| METHODS.contains(method) && url.starts_with('/'));
    let Some((method, url)) = split else {
        let remedy = format!("write it like GET /api/v1/pods, with one of {}", METHODS.join(", "));
        node.report(format!("{text:?} is not a method and a path"), remedy);
        return None;
    };
    let target = Target::parse(url).ok();
    let attributes = target.as_ref().and_then(|target| Attributes::of(method, target).ok());
    if attributes.is_some_and(|attributes| attributes.verb.is_empty()) {
        node.report(format!("{method} is no verb of the resource API"), "use another method");
    }
    Some((method.to_owned(), url.to_owned()))
}

/// A request outside of the resource API, whose verb is the method in lower case.
fn read_path(fields: &Fields<'_>, path: &Node<'_>) -> Option<(String, String)> {
    let verb = fields.require("verb")?;
    let method = METHODS.iter().find(|method| verb.as_text() == Some(&method.to_ascii_lowercase()));
    if method.is_none() {
        let methods = METHODS.join(", ").to_ascii_lowercase();
        verb.report("is not the verb of a path", format!("use one of {methods}"));
    }
    for (name, node) in fields.all().filter(|(name, _)| !matches!(*name, "verb" | "path")) {
        node.report(format!("{name} does not go with a path"), "leave one of the two out");
    }
    let (method, url) = (*method?, path.non_empty_text()?);
    let target = Target::parse(url);
    match target.as_ref().map(|target| Attributes::of(method, target)) {
        Ok(Ok(attributes)) if !attributes.is_resource_request => {}
        Ok(Ok(_)) => path.report("is of the resource API", format!("write request: {method} {url}, or resource")),
        Ok(Err(error)) => path.report(format!("cannot be read: {error}"), "correct it"),
        Err(error) => path.report(format!("cannot be read: {error}"), "correct it"),
    }
    Some((method.to_owned(), url.to_owned()))
}

/// A request to the resource API, in RBAC's words. What is not given is empty.
struct Words<'a> {
    verb: &'a str,
    group: &'a str,
    version: &'a str,
    resource: &'a str,
    subresource: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Words<'a> {
    fn read(fields: &Fields<'a>) -> Option<Self> {
        let text = |name| match fields.get(name) {
            Some(node) => node.non_empty_text(),
            None => Some(""),
        };
        let verb = fields.require("verb")?;
        let given = fields.require("resource")?;
        let resource = given.non_empty_text()?;
        let (resource, subresource) = match (resource.split_once('/'), text("subresource")?) {
            (None, subresource) => (resource, subresource),
            (Some((resource, subresource)), "") => (resource, subresource),
            (Some(_), _) => {
                given.report("has a subresource, which is given beside it, too", "leave one of the two out");
                return None;
            }
        };
        let words = Self {
            verb: verb.text()?,
            group: text("group")?,
            version: Some(text("version")?).filter(|version| !version.is_empty()).unwrap_or("v1"),
            resource,
            subresource,
            namespace: text("namespace")?,
            name: text("name")?,
        };
        if !VERBS.iter().any(|(known, _, _)| *known == words.verb) {
            let known = VERBS.map(|(verb, _, _)| verb).join(", ");
            verb.report(format!("{:?} is not a verb of a request", words.verb), format!("use one of {known}"));
            return None;
        }
        Some(words)
    }

    /// The request that the API server reads as these words; reported at `node`, when there is none.
    fn request(&self, node: &Node<'_>) -> Option<(String, String)> {
        let (_, method, query) = VERBS.iter().find(|(verb, _, _)| *verb == self.verb)?;
        let is_collection = matches!(self.verb, "list" | "watch");
        let mut path = match self.group {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        // A namespace stands in its own path once.
        if !self.namespace.is_empty() && self.resource != "namespaces" {
            path.push_str(&format!("/namespaces/{}", self.namespace));
        }
        let name = if is_collection { "" } else { self.name };
        for part in [self.resource, name, self.subresource].iter().filter(|part| !part.is_empty()) {
            path.push_str(&format!("/{part}"));
        }
        let selector = Some(trial::name_selector(self.name)).filter(|_| is_collection && !self.name.is_empty());
        let query: Vec<&str> =
            Some(*query).filter(|query| !query.is_empty()).into_iter().chain(selector.as_deref()).collect();
        let url = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
        match self.compare(method, &url) {
            Ok(()) => Some(((*method).to_owned(), url)),
            Err((problem, remedy)) => {
                node.report(format!("would be {method} {url}, {problem}"), remedy);
                None
            }
        }
    }

    /// Whether the API server reads the request as these words; else how it reads it, and what to do.
    fn compare(&self, method: &str, url: &str) -> Result<(), (String, &'static str)> {
        let target = Target::parse(url).map_err(|error| (format!("which cannot be read: {error}"), "correct it"))?;
        let found = Attributes::of(method, &target)
            .map_err(|error| (format!("which cannot be read: {error}"), "correct it"))?;
        let pairs = [
            ("verb", self.verb, found.verb.as_ref()),
            ("resource", self.resource, found.resource),
            ("subresource", self.subresource, found.subresource),
            ("namespace", self.namespace, found.namespace),
            ("name", self.name, found.name.as_ref()),
        ];
        // That of a namespace need not be said.
        let is_other = |field: &str, given: &str, found: &str| given != found && (field, given) != ("namespace", "");
        let other = pairs.into_iter().find(|(field, given, found)| is_other(field, given, found));
        other.map_or(Ok(()), |(field, given, found)| {
            let remedy = match (self.verb, self.name) {
                ("get" | "update" | "patch" | "delete", "") => "add name",
                ("deletecollection", name) if !name.is_empty() => "leave name out",
                _ if self.name.is_empty() && !self.subresource.is_empty() => "add name",
                _ => "correct it",
            };
            Err((format!("whose {field} is {found:?} and not {given:?}"), remedy))
        })
    }
}
