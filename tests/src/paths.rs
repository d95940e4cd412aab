//! Where the pieces are that the harness starts.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

/// The checkout.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the checkout")
}

/// A binary of this workspace, as `cargo build` leaves it; an optimised one when the harness itself is optimised.
pub fn binary(name: &str) -> Result<PathBuf> {
    let (profile, made_by) =
        if cfg!(debug_assertions) { ("debug", "./just build") } else { ("release", "cargo build --release") };
    existing(root().join("target").join(profile).join(name), made_by)
}

/// The filter, as `just wasm` leaves it.
pub fn filter() -> Result<PathBuf> {
    existing(root().join("target/wasm/kubegate_filter.wasm"), "./just wasm")
}

/// The same filter as the compiler made it, with the names of its functions.
pub fn filter_with_names() -> Result<PathBuf> {
    existing(root().join("target/wasm32-wasip1/wasm/kubegate_filter.wasm"), "./just wasm")
}

/// Envoy.
pub fn envoy() -> Result<PathBuf> {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    cached(&PATH, || script_output("tests/tools/envoy.sh"))
}

/// Keycloak, installed.
pub fn keycloak() -> Result<PathBuf> {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    cached(&PATH, || script_output("tests/tools/keycloak.sh"))
}

/// The folder with `kubegate-test-cluster` and its `kubectl`.
pub fn cluster_binaries() -> Result<PathBuf> {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    cached(&PATH, || script_output("tests/cluster/build.sh"))
}

fn cached(cell: &OnceLock<PathBuf>, find: impl FnOnce() -> Result<PathBuf>) -> Result<PathBuf> {
    match cell.get() {
        Some(found) => Ok(found.clone()),
        None => find().map(|found| cell.get_or_init(|| found).clone()),
    }
}

/// The path that a script prints, which does its work first when it has to.
fn script_output(script: &str) -> Result<PathBuf> {
    let output = Command::new(root().join(script)).output().with_context(|| script.to_owned())?;
    if !output.status.success() {
        bail!("{script} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout).with_context(|| script.to_owned())?;
    Ok(PathBuf::from(text.trim_end()))
}

fn existing(path: PathBuf, made_by: &str) -> Result<PathBuf> {
    if !path.exists() {
        bail!("{} is missing; {made_by} makes it", path.display());
    }
    Ok(path)
}
