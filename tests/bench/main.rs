//! `./just bench NAME`: what Kubegate costs, measured on this machine. docs/benchmarks.md explains the figures.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

mod bootstrap;
mod company;
mod cpu;
mod distribution;
mod load;
mod policy;
mod profile;
mod report;
mod stats;
mod token;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use report::Report;

/// What Kubegate costs, measured on this machine
#[derive(Debug, Parser)]
#[command(name = "./just bench")]
struct Arguments {
    /// What to measure.
    name: Name,
    /// Put the table into docs/benchmarks.md, too.
    #[arg(long)]
    record: bool,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    /// A decision under 10,000 rules beside one under ten, natively and in Envoy
    Policy,
    /// How soon 500 gateways obey a change, and what keeping them current costs
    Distribution,
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
        Name::Profile => profile::run()?,
    };
    println!("\n{}", report.text());
    println!("written to {}", report.write()?.display());
    if arguments.record {
        println!("and to {}", report.record()?.display());
    }
    Ok(())
}

/// Says what begins and how long it usually takes.
fn progress(step: &str, usual: &str) {
    eprintln!("==> {step} (usually {usual})");
}
