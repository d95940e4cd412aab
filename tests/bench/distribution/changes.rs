//! The kinds of change.

use anyhow::{Context, Result};
use kubegate_core::bundle::Version;
use serde_json::{Value, json};

use super::gateways::Fleet;
use super::watch::Probe;
use super::world::{ALLOWED, World};
use crate::company::CLUSTER;

/// What an administrator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Edits one rule of the policy file.
    PolicyEdited,
    /// Edits it so that it names a group, while tokens are about that cannot carry all groups of their people.
    GroupNamed,
    /// Ends one session.
    SessionRevoked,
    /// Ends all sessions of a person.
    PersonRevoked,
    /// Shuts a person out.
    PersonDisabled,
    /// Gives a person one more group for a while.
    ElevationGranted,
    /// Ends that.
    ElevationEnded,
}

impl Kind {
    /// All of them; a granted elevation is ended next.
    pub(super) const ALL: [Self; 7] = [
        Self::PolicyEdited,
        Self::GroupNamed,
        Self::SessionRevoked,
        Self::PersonRevoked,
        Self::PersonDisabled,
        Self::ElevationGranted,
        Self::ElevationEnded,
    ];

    /// How the report calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PolicyEdited => "policy-edited",
            Self::GroupNamed => "group-named",
            Self::SessionRevoked => "session-revoked",
            Self::PersonRevoked => "person-revoked",
            Self::PersonDisabled => "person-disabled",
            Self::ElevationGranted => "elevation-granted",
            Self::ElevationEnded => "elevation-ended",
        }
    }
}

type Make = Box<dyn FnOnce(&World) -> Result<()>>;

/// A change that is ready to be made.
pub(super) struct Change {
    /// Whose request it turns around.
    pub(super) probe: Probe,
    /// How that is answered afterwards.
    pub(super) expected: u16,
    /// Makes it.
    pub(super) make: Make,
}

/// Everything of a change that takes time before its clock starts.
pub(super) fn prepare(kind: Kind, round: usize, world: &mut World, fleet: &Fleet) -> Result<Change> {
    let version = fleet.policy_version()?;
    match kind {
        Kind::PolicyEdited => edit(round, world, version),
        Kind::GroupNamed => name_group(round, world, version),
        Kind::SessionRevoked => {
            let person = world.people.of("session", round)?;
            let make = post("/api/v1/revocations", json!({"session": person.id}));
            Ok(Change { probe: world.mint.probe(person, version)?, expected: 401, make })
        }
        Kind::PersonRevoked => {
            let person = world.people.of("person", round)?;
            let make = post("/api/v1/revocations", json!({"person": person.identity.person()}));
            Ok(Change { probe: world.mint.probe(person, version)?, expected: 401, make })
        }
        Kind::PersonDisabled => {
            let person = world.people.of("disabled", round)?;
            let order = json!({"person": person.identity.person(), "reason": "left the company"});
            let make = post("/api/v1/people/disable", order);
            Ok(Change { probe: world.mint.probe(person, version)?, expected: 401, make })
        }
        Kind::ElevationGranted => {
            let person = world.people.one("elevated")?;
            let grant = json!({
                "person": person.identity.person(), "cluster": CLUSTER, "groups": [ALLOWED], "duration": "1h",
                "reason": "a benchmark",
            });
            let make = post("/api/v1/elevations", grant);
            Ok(Change { probe: world.mint.probe(person, version)?, expected: 200, make })
        }
        Kind::ElevationEnded => {
            let person = world.people.one("elevated")?;
            let path = format!("/api/v1/elevations/{}", world.elevation_of(person)?);
            let make = Box::new(move |world: &World| world.call("DELETE", &path, None).map(drop));
            Ok(Change { probe: world.mint.probe(person, version)?, expected: 403, make })
        }
    }
}

/// One rule that names the person comes and goes.
fn edit(round: usize, world: &mut World, version: Version) -> Result<Change> {
    let person = world.people.one("edited")?;
    let probe = world.mint.probe(person, version)?;
    let comes = round.is_multiple_of(2);
    let user = if comes { person.identity.user.clone() } else { "nobody@example.com".to_owned() };
    let rule = format!(
        "name: edited by the benchmark, who: {{users: [{user}]}}, clusters: [{CLUSTER}], may: [{{verbs: [list], \
         apiGroups: [\"\"], resources: [pods]}}]"
    );
    world.prepare_edit(1, rule)?;
    Ok(Change { probe, expected: if comes { 200 } else { 403 }, make: Box::new(World::make_edit) })
}

/// A rule names one more group of the person's, which the token could not carry.
fn name_group(round: usize, world: &mut World, version: Version) -> Result<Change> {
    let person = world.people.one("guilds")?;
    let probe = world.mint.probe(person, version)?;
    let group = person.identity.groups.get(round + 1).context("no such guild")?;
    let rule = format!(
        "name: named by the benchmark, who: {{groups: [{group}]}}, clusters: [{CLUSTER}], may: [{{verbs: [list], \
         apiGroups: [\"\"], resources: [services]}}]"
    );
    world.prepare_edit(2, rule)?;
    Ok(Change { probe, expected: 401, make: Box::new(World::make_edit) })
}

fn post(path: &'static str, body: Value) -> Make {
    Box::new(move |world| world.call("POST", path, Some(&body)).map(drop))
}
