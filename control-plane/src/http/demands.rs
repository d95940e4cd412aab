//! What is demanded of a sign-in, and what it lacks, in words.

use kubegate_core::time::{Timestamp, show_duration};

use super::messages::{Text, literal, text};
use crate::clock::rfc3339;
use crate::oidc::{Demand, Unmet};

/// What the sign-in must show, after the words "a sign-in"; `None` when that is nothing.
pub(super) fn demanded(demand: &Demand) -> Option<Text> {
    let classes = demand.acr().iter().map(literal);
    let acr = joined("demand-either", classes).map(|classes| text("demand-acr").with_text("classes", classes));
    let age = demand.max_age().map(|age| match age.as_secs() {
        0 => text("demand-now"),
        _ => text("demand-age").with("age", show_duration(age)),
    });
    joined("demand-both", acr.into_iter().chain(age))
}

/// What was asked, and what `provider` gave.
pub(super) fn unmet(unmet: &Unmet<'_>, provider: Text) -> Text {
    let acr = unmet.acr().map(|given| match given {
        Some(acr) => text("unmet-acr").with("acr", acr),
        None => text("unmet-no-acr"),
    });
    let age = unmet.auth_time().map(|moment| match moment {
        moment if moment == Timestamp::default() => text("unmet-no-time"),
        moment => text("unmet-time").with("at", rfc3339(moment)),
    });
    let given = joined("demand-both", acr.into_iter().chain(age)).unwrap_or_else(|| text("unmet-no-acr"));
    asked("unmet-gave", unmet.demand()).with_text("provider", provider).with_text("given", given)
}

/// The message `id`, with what was asked.
pub(super) fn asked(id: &'static str, demand: &Demand) -> Text {
    let demand = demanded(demand).unwrap_or_else(|| literal(""));
    text(id).with_text("demand", demand)
}

fn joined(id: &'static str, texts: impl Iterator<Item = Text>) -> Option<Text> {
    texts.reduce(|one, other| text(id).with_text("one", one).with_text("other", other))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::oidc::Shown;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn told(acr_values: Option<&str>, max_age: &str, shown: Shown<'_>) -> String {
        let demand = Demand::parse(acr_values, Some(max_age)).unwrap();
        unmet(&demand.judge(shown, NOW).unwrap_err(), literal("Corp")).english()
    }

    #[test]
    fn people_are_told_what_was_asked_and_what_was_given() {
        let shown = Shown { acr: None, auth_time: Timestamp::default(), for_this: true };
        assert_eq!(
            told(None, "31622400", shown),
            "a sign-in at most 366d old was asked for, and Corp does not say when it was"
        );
        let shown = Shown { acr: Some("pwd"), auth_time: NOW.before(Duration::from_secs(3600)), for_this: true };
        assert_eq!(
            told(Some("phr phrh"), "900", shown),
            "a sign-in with acr phr or phrh and at most 15m old was asked for, and Corp gave acr pwd and says that it was at \
             2027-01-15T07:00:00Z"
        );
    }
}
