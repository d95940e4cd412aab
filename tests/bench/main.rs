//! `./just bench NAME`: what Kubegate costs, measured on this machine. docs/benchmarks.md explains the figures.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

mod bootstrap;
mod company;
mod cpu;
mod distribution;
mod load;
mod memory;
mod policy;
mod profile;
mod report;
mod request_path;
mod stats;
mod token;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use report::Report;
use request_path::Effort;

/// What Kubegate costs, measured on this machine
#[derive(Debug, Parser)]
#[command(name = "./just bench")]
struct Arguments {
    /// What to measure.
    name: Name,
    /// Put the table into docs/benchmarks.md, too.
    #[arg(long)]
    record: bool,
    /// Measure for less long, with a wider error (request-path only).
    #[arg(long)]
    quick: bool,
    /// Where a peer listens.
    #[arg(long, hide = true, default_value_t = 0)]
    port: u16,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    /// A decision under 10,000 rules beside one under ten, natively and in Envoy
    Policy,
    /// How soon 500 gateways obey a change, and what keeping them current costs
    Distribution,
    /// What a request costs above the bare Envoy: ours, Envoy's own filters, an authorization service
    RequestPath,
    /// The benchmark's upstream
    #[value(hide = true)]
    Upstream,
    /// The benchmark's authorization service
    #[value(hide = true)]
    ExtAuthz,
    /// What Envoy and the filter ask of each other for one request, counted
    Profile,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let report: Report = match arguments.name {
        Name::Policy => policy::run()?,
        Name::Distribution => distribution::run()?,
        Name::RequestPath => request_path::run(if arguments.quick { Effort::QUICK } else { Effort::FULL })?,
        Name::Upstream => return request_path::upstream(arguments.port),
        Name::ExtAuthz => return request_path::ext_authz(arguments.port),
        Name::Profile => profile::run()?,
    };
    println!("\n{}", report.text());
    println!("written to {}", report.write()?.display());
    if arguments.record {
        for path in report.record()? {
            println!("and to {}", path.display());
        }
    }
    Ok(())
}

/// Says what begins and how long it usually takes.
fn progress(step: &str, usual: &str) {
    eprintln!("==> {step} (usually {usual})");
}
