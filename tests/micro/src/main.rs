//! Counts the instructions that each watched function takes, and fails when one takes clearly more than is checked in.
//!
//! The count is callgrind's, of the function alone: other than time, it is the same on a machine that others use, too.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

mod figures;

use std::env;
use std::hint::black_box;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use kubegate_micro::{Job, WATCHED, Watched};

use figures::Figures;

/// How often a function is called to count its instructions: maps with random keys make some calls longer.
const TIMES: u64 = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => guard(),
        ["--update"] => update(),
        // By callgrind.
        ["--run", name] => run(name).map(|()| true),
        _ => Err(anyhow::anyhow!("usage: ./just instructions [--update]")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn guard() -> Result<bool> {
    let (known, found) = (Figures::read()?, count_all()?);
    let verdict = known.judge(&found);
    println!("{verdict}");
    Ok(verdict.is_good())
}

fn update() -> Result<bool> {
    let found = count_all()?;
    println!("written to {}", found.write()?.display());
    Ok(true)
}

fn count_all() -> Result<Figures> {
    let counts = WATCHED.into_iter().map(|watched| Ok((watched.name.to_owned(), count(watched)?)));
    Ok(Figures { made_by: made_by()?, instructions: counts.collect::<Result<_>>()? })
}

/// The instructions of one call, by this program under callgrind.
fn count(watched: Watched) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(format!("--toggle-collect=*{COUNTED}*"));
    let output = command.arg(env::current_exe()?).args(["--run", watched.name]).output().context("valgrind")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<u64>().ok());
    match collected {
        Some(collected @ 1..) if output.status.success() => Ok(collected / TIMES),
        _ => bail!("{}: callgrind has counted nothing:\n{text}", watched.name),
    }
}

/// The name of the function whose instructions callgrind counts.
const COUNTED: &str = "do_counted_job";

fn run(name: &str) -> Result<()> {
    let watched = WATCHED.into_iter().find(|watched| watched.name == name).context("no such function")?;
    let mut jobs = watched.prepare()?;
    for _ in 0..TIMES {
        do_counted_job(jobs());
    }
    Ok(())
}

#[inline(never)]
fn do_counted_job(job: Job) {
    job();
    // So that the call above is a call, and not a jump out of this function.
    black_box(());
}

/// What the counts depend on besides the code.
fn made_by() -> Result<String> {
    let version = |program: &str| -> Result<String> {
        let output = Command::new(program).arg("--version").output().with_context(|| program.to_owned())?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    Ok(format!("{}, {}", version("rustc")?, version("valgrind")?))
}
