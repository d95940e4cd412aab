//! The end-to-end suite: one world of real servers, a module per promise.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that meets the unexpected should fail there"
)]

mod suite;

mod administration;
mod audit;
mod control_plane_down;
mod credential;
mod cut;
mod device;
mod distribution;
mod docs;
mod groups;
mod hostile_load;
mod identity;
mod impersonation;
mod keys;
mod objects;
mod pages;
mod policy;
mod pomerium;
mod replay;
mod request_info;
mod rules;
mod sabotage;
mod scim;
mod smuggling;
mod stage;
mod step_up;
mod streams;
mod tokens;
mod upstream;
mod walls;
mod workloads;

use std::process::ExitCode;

use libtest_mimic::Arguments;

use suite::Suite;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let suite = Suite::new();
    let trials = [
        objects::trials(&suite),
        administration::trials(&suite),
        step_up::trials(&suite),
        scim::trials(&suite),
        streams::trials(&suite),
        audit::trials(&suite),
        impersonation::trials(&suite),
        credential::trials(&suite),
        cut::trials(&suite),
        device::trials(&suite),
        distribution::trials(&suite),
        groups::trials(&suite),
        hostile_load::trials(&suite),
        identity::trials(&suite),
        pages::trials(&suite),
        policy::trials(&suite),
        pomerium::trials(&suite),
        request_info::trials(&suite),
        rules::trials(&suite),
        upstream::trials(&suite),
        tokens::trials(&suite),
        walls::trials(&suite),
        smuggling::trials(&suite),
        control_plane_down::trials(&suite),
        keys::trials(&suite),
        workloads::trials(&suite),
        // Last: it replays what all others have done.
        replay::trials(&suite),
    ];
    let mut trials: Vec<_> = trials.into_iter().flatten().collect();
    trials.extend(docs::trials(trials.iter().map(|trial| trial.name().to_owned()).collect()));
    let conclusion = libtest_mimic::run(&arguments, trials);
    suite.stop();
    conclusion.exit_code()
}
