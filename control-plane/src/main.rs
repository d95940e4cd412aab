//! The binary `kubegate-control-plane`.

use std::process::ExitCode;

use clap::Parser as _;
use kubegate_control_plane::command::Command;

fn main() -> ExitCode {
    Command::parse().run()
}
