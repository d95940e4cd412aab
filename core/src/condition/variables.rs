//! What a condition can ask for.

use std::collections::HashMap;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use serde_json::Value;

use crate::request::Attributes;
use crate::time::Timestamp;
use crate::token::SessionClaims;

/// Under which circumstances a request is made: by whom, in which session, from where, when.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The claims of the session token.
    pub claims: &'a SessionClaims,
    /// The person's groups: those of the token, and those of elevations.
    pub groups: &'a [String],
    /// The client's IP address, as Envoy sees it.
    pub source: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// The names that a condition knows, besides `person.claims.NAME`.
pub const VARIABLES: [&str; 19] = [
    "now",
    "person.email",
    "person.groups",
    "person.user",
    "request.apiGroup",
    "request.apiVersion",
    "request.isResourceRequest",
    "request.name",
    "request.namespace",
    "request.path",
    "request.resource",
    "request.subresource",
    "request.verb",
    "session.acr",
    "session.amr",
    "session.authTime",
    "session.id",
    "session.provider",
    "source.address",
];

/// Whether `name` is one of [`VARIABLES`].
pub(super) fn is_variable(name: &str) -> bool {
    VARIABLES.contains(&name)
}

/// Looks the names up.
pub(super) struct Variables<'a> {
    pub(super) circumstances: &'a Circumstances<'a>,
    pub(super) request: &'a Attributes<'a>,
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let Self { circumstances: Circumstances { claims, groups, source, now }, request } = self;
        Some(match variable {
            "now" => time(*now),
            "person.user" => text(&claims.user),
            "person.email" => text(claims.email.as_deref().unwrap_or_default()),
            "person.groups" => list(groups),
            "person.claims" => {
                let present = claims.claims.iter().filter(|(_, value)| !value.is_null());
                let entries =
                    present.map(|(name, value)| (CelMapKey::String(CelString::from(name.as_str())), json(value)));
                CowVal::owned(CelMap::from(entries.collect::<HashMap<_, _>>()))
            }
            "session.id" => text(claims.sid.as_str()),
            "session.provider" => text(&claims.provider),
            "session.acr" => text(claims.acr.as_deref().unwrap_or_default()),
            "session.amr" => list(&claims.amr),
            "session.authTime" => time(claims.auth_time),
            "request.verb" => text(request.judged_verb()),
            "request.apiGroup" => text(request.api_group),
            "request.apiVersion" => text(request.api_version),
            "request.resource" => text(request.resource),
            "request.subresource" => text(request.subresource),
            "request.namespace" => text(request.namespace),
            "request.name" => text(&request.name),
            "request.path" => text(&request.path),
            "request.isResourceRequest" => CowVal::owned(CelBool::from(request.is_resource_request)),
            "source.address" => text(source),
            _ => return None,
        })
    }
}

fn text(text: &str) -> CowVal<'_, '_> {
    CowVal::owned(CelString::from(text))
}

fn time(time: Timestamp) -> CowVal<'static, 'static> {
    CowVal::owned(CelInt::from(i64::try_from(time.seconds()).unwrap_or(i64::MAX)))
}

fn list(items: &[String]) -> CowVal<'_, '_> {
    let items: Vec<Box<dyn Val + '_>> = items.iter().map(|item| boxed(CelString::from(item.as_str()))).collect();
    CowVal::owned(CelList::from(items))
}

/// A claim's value. JSON has one kind of numbers; whole ones are `int` here.
fn json(value: &Value) -> Box<dyn Val + '_> {
    match value {
        Value::Null => boxed(CelNull),
        Value::Bool(value) => boxed(CelBool::from(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => boxed(CelInt::from(whole)),
            None => boxed(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::String(text) => boxed(CelString::from(text.as_str())),
        Value::Array(items) => boxed(CelList::from(items.iter().map(json).collect::<Vec<_>>())),
        Value::Object(fields) => {
            let entries =
                fields.iter().map(|(name, value)| (CelMapKey::String(CelString::from(name.as_str())), json(value)));
            boxed(CelMap::from(entries.collect::<HashMap<_, _>>()))
        }
    }
}

fn boxed<'v>(value: impl Val + 'v) -> Box<dyn Val + 'v> {
    Box::new(value)
}
