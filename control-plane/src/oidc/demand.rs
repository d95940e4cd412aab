//! What a sign-in must show beyond who the person is: how strong and how recent it is (OpenID Connect Core 1.0, section
//! 3.1.2.1, `acr_values` and `max_age`). There these are wishes; here a sign-in that does not meet them is refused.

use std::time::Duration;

use kubegate_core::time::Timestamp;

use crate::session::LEEWAY;

/// The error of a sign-in that does not meet the demand (OpenID Connect Core Unmet Authentication Requirements 1.0).
pub const UNMET: &str = "unmet_authentication_requirements";

/// How many classes may be asked for.
const MOST_CLASSES: usize = 8;

/// How long they may be together, in characters, so that a sign-in can always lead back to the request.
const LONGEST_CLASSES: usize = 512;

/// The greatest age that may be asked for, in seconds: a leap year.
const GREATEST_AGE: u64 = 31_622_400;

/// What a sign-in must show; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    acr: Vec<String>,
    max_age: Option<Duration>,
}

/// Why a demand is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDemand {
    /// The classes.
    #[error(
        "acr_values must be 1 to {MOST_CLASSES} values of visible ASCII, one space apart, {LONGEST_CLASSES} characters at most"
    )]
    Classes,
    /// The age.
    #[error("max_age must be a number of seconds, {GREATEST_AGE} at most")]
    Age,
}

/// What a sign-in has shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Its authentication context class, as the provider says.
    pub acr: Option<&'a str>,
    /// When the person proved who they are; the epoch when the provider does not say.
    pub auth_time: Timestamp,
    /// Whether the person signed in for the very request that makes the demand.
    pub for_this: bool,
}

/// What a sign-in lacks.
#[derive(Debug, PartialEq, Eq)]
pub struct Unmet<'a> {
    demand: &'a Demand,
    acr: Option<Option<&'a str>>,
    auth_time: Option<Timestamp>,
}

impl Demand {
    /// Reads the parameters of an authorization request.
    ///
    /// # Errors
    /// Which of them is no good.
    pub fn parse(acr_values: Option<&str>, max_age: Option<&str>) -> Result<Self, InvalidDemand> {
        Ok(Self {
            acr: acr_values.map(classes).transpose()?.unwrap_or_default(),
            max_age: max_age.map(age).transpose()?,
        })
    }

    /// Whether it asks for a class, which only an identity provider can give.
    #[must_use]
    pub fn asks_for_acr(&self) -> bool {
        !self.acr.is_empty()
    }

    /// The classes that it asks for.
    #[must_use]
    pub fn acr(&self) -> &[String] {
        &self.acr
    }

    /// The greatest age that it asks for.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// The parameters that ask a provider for it.
    #[must_use]
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        if self.asks_for_acr() {
            parameters.push(("acr_values", self.acr.join(" ")));
        }
        if let Some(max_age) = self.max_age {
            parameters.push(("max_age", max_age.as_secs().to_string()));
            if max_age.is_zero() {
                // Not every provider understands the zero.
                parameters.push(("prompt", "login".to_owned()));
            }
        }
        parameters
    }

    /// Judges a sign-in. One for this very request may have taken some time on its way here; an older one has to be
    /// strictly young enough, and never is when the demand is to prove it now.
    ///
    /// # Errors
    /// What it lacks.
    pub fn judge<'a>(&'a self, shown: Shown<'a>, now: Timestamp) -> Result<(), Unmet<'a>> {
        let strong = self.acr.is_empty() || shown.acr.is_some_and(|given| self.acr.iter().any(|asked| asked == given));
        let fresh = self.max_age.is_none_or(|max_age| {
            let age = now.since(shown.auth_time);
            if shown.for_this { age <= max_age + LEEWAY } else { age <= max_age && !max_age.is_zero() }
        });
        if strong && fresh {
            return Ok(());
        }
        Err(Unmet { demand: self, acr: (!strong).then_some(shown.acr), auth_time: (!fresh).then_some(shown.auth_time) })
    }
}

impl<'a> Unmet<'a> {
    /// What was demanded.
    #[must_use]
    pub fn demand(&self) -> &'a Demand {
        self.demand
    }

    /// The class of the sign-in, if that is what lacks; `Some(None)` when the provider gave none.
    #[must_use]
    pub fn acr(&self) -> Option<Option<&'a str>> {
        self.acr
    }

    /// When the sign-in was, if that is what lacks; the epoch when the provider does not say.
    #[must_use]
    pub fn auth_time(&self) -> Option<Timestamp> {
        self.auth_time
    }
}

fn classes(text: &str) -> Result<Vec<String>, InvalidDemand> {
    let classes: Vec<String> = text.split(' ').take(MOST_CLASSES + 1).map(str::to_owned).collect();
    let visible = |class: &String| !class.is_empty() && class.bytes().all(|byte| byte.is_ascii_graphic());
    let good = text.len() <= LONGEST_CLASSES && classes.len() <= MOST_CLASSES && classes.iter().all(visible);
    if good { Ok(classes) } else { Err(InvalidDemand::Classes) }
}

fn age(text: &str) -> Result<Duration, InvalidDemand> {
    let digits = text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|seconds| digits && *seconds <= GREATEST_AGE);
    seconds.map(Duration::from_secs).ok_or(InvalidDemand::Age)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn demand(acr_values: &str, max_age: &str) -> Demand {
        let [acr_values, max_age] = [acr_values, max_age].map(|text| Some(text).filter(|text| !text.is_empty()));
        Demand::parse(acr_values, max_age).unwrap()
    }

    #[test]
    fn what_is_no_demand_is_refused() {
        let many = ["a"; 9].join(" ");
        let long = "a".repeat(513);
        for acr_values in [" ", "a ", "a  b", "a\tb", "a\nb", "\u{e9}", "", many.as_str(), long.as_str()] {
            assert_eq!(Demand::parse(Some(acr_values), None), Err(InvalidDemand::Classes), "{acr_values:?}");
        }
        for max_age in
            ["", "-1", "+1", "1.5", "1e3", "0x1", " 1", "15m", "31622401", "99999999999999999999", "\u{0661}"]
        {
            assert_eq!(Demand::parse(None, Some(max_age)), Err(InvalidDemand::Age), "{max_age:?}");
        }
        assert!(Demand::parse(Some(&["a"; 8].join(" ")), Some("31622400")).is_ok());
    }

    #[test]
    fn a_sign_in_is_judged_by_strength_and_age() {
        let minute = Duration::from_secs(60);
        for (demand, acr, age, for_this, met) in [
            (demand("", ""), None, 9999, false, true),
            (demand("phr", ""), Some("phr"), 9999, false, true),
            (demand("phr phrh", ""), Some("phrh"), 9999, false, true),
            (demand("phr", ""), Some("pwd"), 0, true, false),
            (demand("phr", ""), Some("PHR"), 0, true, false),
            (demand("phr phrh", ""), Some("phr phrh"), 0, true, false),
            (demand("phr", ""), None, 0, true, false),
            (demand("", "900"), None, 15, false, true),
            (demand("", "900"), None, 16, false, false),
            (demand("", "900"), None, 16, true, true),
            (demand("", "900"), None, 17, true, false),
            (demand("", "0"), None, 0, false, false),
            (demand("", "0"), None, 1, true, true),
            (demand("", "0"), None, 2, true, false),
            (demand("phr", "900"), Some("phr"), 16, false, false),
            (demand("phr", "900"), Some("pwd"), 1, false, false),
        ] {
            let shown = Shown { acr, auth_time: NOW.before(minute * age), for_this };
            assert_eq!(demand.judge(shown, NOW).is_ok(), met, "{demand:?} {shown:?}");
        }
    }

    #[test]
    fn an_unknown_time_is_never_recent() {
        let shown = Shown { acr: None, auth_time: Timestamp::default(), for_this: true };
        assert!(demand("", "31622400").judge(shown, NOW).is_err());
    }

    #[test]
    fn a_provider_is_asked_for_it() {
        assert_eq!(demand("", "").parameters(), []);
        let asked = demand("a b", "900").parameters();
        assert_eq!(asked, [("acr_values", "a b".to_owned()), ("max_age", "900".to_owned())]);
        let now = demand("", "0").parameters();
        assert_eq!(now, [("max_age", "0".to_owned()), ("prompt", "login".to_owned())]);
    }
}
