//! `sessions`: how long things last.

use std::time::Duration;

use kubegate_core::document::Node;

use crate::session::Limits;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The fields of this section.
const FIELDS: [&str; 5] = ["tokenLifetime", "maxLifetime", "idleTimeout", "maxPerPerson", "deviceFlow"];

/// Reads `sessions`.
pub(super) fn read(node: Option<&Node<'_>>) -> Option<Limits> {
    let defaults = Limits {
        token_lifetime: 10 * MINUTE,
        max_lifetime: 12 * HOUR,
        idle_timeout: 8 * HOUR,
        max_per_person: 50,
        device_flow: true,
    };
    let Some(node) = node else {
        return Some(defaults);
    };
    let fields = node.fields(&FIELDS)?;
    let duration = |name, range, default| match fields.get(name) {
        Some(node) => node.duration(range),
        None => Some(default),
    };
    let token_lifetime = duration("tokenLifetime", 10 * SECOND..=HOUR, defaults.token_lifetime);
    let max_lifetime = duration("maxLifetime", MINUTE..=30 * DAY, defaults.max_lifetime);
    let idle_timeout = duration(
        "idleTimeout",
        MINUTE..=30 * DAY,
        defaults.idle_timeout.min(max_lifetime.unwrap_or(defaults.max_lifetime)),
    );
    let max_per_person = match fields.get("maxPerPerson") {
        Some(node) => node.integer(2..=10_000).and_then(|number| usize::try_from(number).ok()),
        None => Some(defaults.max_per_person),
    };
    let device_flow = fields.get("deviceFlow").map_or(Some(defaults.device_flow), |node| node.boolean());
    let limits = Limits {
        token_lifetime: token_lifetime?,
        max_lifetime: max_lifetime?,
        idle_timeout: idle_timeout?,
        max_per_person: max_per_person?,
        device_flow: device_flow?,
    };
    if limits.idle_timeout < limits.token_lifetime {
        node.report(
            "idleTimeout is shorter than tokenLifetime, so every session would be idle",
            "make idleTimeout longer",
        );
        return None;
    }
    Some(limits)
}
