//! The browser of a person who is not there: `BROWSER=scripted-browser` makes the credential helper open it.
//!
//! Takes the URL as its argument, signs in through the real login form as `SCRIPTED_USER` with
//! `SCRIPTED_PASSWORD` (`SCRIPTED_PROVIDER` chooses a provider), trusting the authority in the file
//! `SCRIPTED_CA`, and follows every redirect to the helper's own port. Each run adds a line to `SCRIPTED_LOG`.

use std::env;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use kubegate_tests::browser::{Browser, Login};

fn main() -> Result<()> {
    let url = env::args().nth(1).context("which URL?")?;
    let variable = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
    let login = Login {
        user: variable("SCRIPTED_USER")?,
        password: variable("SCRIPTED_PASSWORD")?,
        provider: variable("SCRIPTED_PROVIDER").ok(),
    };
    let outcome = Browser::new(&PathBuf::from(variable("SCRIPTED_CA")?))?.sign_in(&url, &login);
    let line = match &outcome {
        Ok(page) => format!("{} {} {}", login.user, page.status, page.text()),
        Err(error) => format!("{} failed: {error:#}", login.user),
    };
    if let Ok(log) = variable("SCRIPTED_LOG") {
        writeln!(File::options().create(true).append(true).open(log)?, "{line}")?;
    }
    if outcome?.status >= 400 {
        bail!("{line}");
    }
    Ok(())
}
