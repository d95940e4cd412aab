//! Conditions as people write them.

use std::collections::BTreeMap;

use cel::{Env, ExecutionError};

use super::functions::{FUNCTIONS, ON_TIMES, ON_VALUES};
use super::{Circumstances, Condition, MAX_TEXT, UnusableTree, VARIABLES};
use crate::id::{ClusterName, PersonId, SessionId};
use crate::request::{Attributes, Target};
use crate::time::Timestamp;
use crate::token::SessionClaims;

impl Condition {
    /// Reads a condition, and tries it on a made-up request.
    ///
    /// # Errors
    /// What is wrong with it, behind the words "the condition", and the remedy.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let unusable = |problem: &UnusableTree| (problem.to_string(), remedy(problem));
        if text.len() > MAX_TEXT {
            return Err(unusable(&UnusableTree::TooLong));
        }
        let syntax =
            |problem: String| (format!("is not CEL: {problem}"), "see https://cel.dev for the language".to_owned());
        // Parsing recurses, and neither text nor tree says how deep before it has.
        if text.bytes().filter(|byte| b"([{?!-".contains(byte)).count() > 128 {
            return Err(unusable(&UnusableTree::TooLarge));
        }
        let parser = Env::stdlib().with_optional_support(false).parser();
        let tree = parser.parse(text).map_err(|errors| syntax(one_line(&errors.to_string())))?;
        let condition = Self::new(text.to_owned(), tree).map_err(|problem| unusable(&problem))?;
        condition.try_out()?;
        Ok(condition)
    }

    /// Finds functions that there are not, operators that do not fit, and what is neither true nor false. A condition
    /// about claims may fail here for want of the right ones.
    fn try_out(&self) -> Result<(), (String, String)> {
        if !self.claims().is_empty() {
            return Ok(());
        }
        let moment = Timestamp::from_seconds(1_800_000_000);
        let claims = SessionClaims {
            iss: String::new(),
            sub: PersonId::from("p:x"),
            aud: ClusterName::from("x"),
            exp: moment,
            nbf: moment,
            iat: moment,
            jti: String::new(),
            sid: SessionId::from("x"),
            session_exp: moment,
            auth_time: moment,
            provider: "x".to_owned(),
            user: "x".to_owned(),
            uid: None,
            email: None,
            groups: Vec::new(),
            groups_policy: None,
            claims: BTreeMap::new(),
            acr: None,
            amr: Vec::new(),
        };
        let groups = ["x".to_owned()];
        let circumstances = Circumstances { claims: &claims, groups: &groups, source: "192.0.2.1", now: moment };
        let Ok(target) = Target::parse("/api/v1/namespaces/x/pods/x") else { return Ok(()) };
        let Ok(attributes) = Attributes::of("GET", &target) else { return Ok(()) };
        match self.holds(&circumstances, &attributes) {
            // What a list or a map lacks here may be there in a real request.
            Ok(_) | Err(ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_)) => Ok(()),
            Err(problem) => Err((
                format!("cannot be evaluated: {problem}"),
                "correct it; kubegate policy explain tries it".to_owned(),
            )),
        }
    }
}

fn one_line(problem: &str) -> String {
    problem.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn remedy(problem: &UnusableTree) -> String {
    match problem {
        UnusableTree::TooLong | UnusableTree::TooLarge => "split it over several rules".to_owned(),
        UnusableTree::OddLoop => "use CEL's macros".to_owned(),
        UnusableTree::GroupsInLoop => "ask for groups by name, or write the other list out".to_owned(),
        UnusableTree::UnknownFunction { .. } => {
            let on_values = ["size"].iter().chain(&ON_VALUES).chain(&ON_TIMES).copied().collect::<Vec<_>>().join(", .");
            format!("known are {}, and on values .{on_values}", FUNCTIONS.join(", "))
        }
        UnusableTree::NestedLoop => "compare with a list: x in [\"a\", \"b\"]".to_owned(),
        UnusableTree::UnknownName(_) => format!("known are {} and person.claims.NAME", VARIABLES.join(", ")),
        UnusableTree::Claims => "name the claim".to_owned(),
        UnusableTree::Construct(_) => "use text, numbers, lists and maps".to_owned(),
    }
}
