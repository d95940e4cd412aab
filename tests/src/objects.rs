//! What is put into a cluster for the demo and the suite, and taken out of a person's own at the end.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::kubectl::Kubectl;
use crate::{paths, poll, service_account, template};

const MANIFEST: &str = "tests/manifests/people.yaml";
const POD_LIMIT: Duration = Duration::from_secs(120);

/// The objects' names.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// The namespace that one of the two people may read.
    pub team: &'static str,
    /// What cluster-wide names begin with.
    pub prefix: &'static str,
    /// The service account, its namespace and its roles.
    pub service_account: &'static str,
}

/// In a cluster of our own.
pub const OWN: Names = Names { team: "team-a", prefix: "", service_account: "kubegate" };

/// In a person's cluster, where a real Kubegate may be at work.
pub const GUEST: Names =
    Names { team: "kubegate-demo-team-a", prefix: "kubegate-demo-", service_account: "kubegate-demo" };

/// Makes the people's objects and waits for the pod.
pub fn install(admin: &Kubectl, names: Names) -> Result<()> {
    admin.apply(&manifest(names)?).context("making the demo's objects")?;
    poll::until("the pod hello to run", POD_LIMIT, || {
        let phase = admin
            .run(&["get", "pod", "hello", "-n", names.team, "-o", "jsonpath={.status.phase}"])
            .map_err(|error| error.to_string())?;
        if phase.stdout == "Running" { Ok(()) } else { Err(format!("phase {:?} {}", phase.stdout, phase.stderr)) }
    })
}

/// Refuses when the namespace is there and no demo has made it.
pub fn refuse_strangers(admin: &Kubectl, names: Names) -> Result<()> {
    let label = r"jsonpath={.metadata.labels.kubegate\.io/demo}";
    let found = admin.run(&["get", "namespace", names.team, "-o", label])?;
    if found.succeeded() && found.stdout != "true" {
        bail!("the cluster has a namespace {} that no demo made; nothing is touched there", names.team);
    }
    if !found.succeeded() && !found.stderr.contains("NotFound") {
        bail!("cannot look into the cluster: {found}");
    }
    Ok(())
}

/// Takes out of the cluster all that [`install`] and the service account's manifest put there.
pub fn remove(admin: &Kubectl, names: Names) -> Result<()> {
    for text in [manifest(names)?, service_account::manifest(names.service_account)?] {
        let arguments = ["delete", "-f", "-", "--ignore-not-found", "--wait=true", "--timeout=60s"];
        admin.clone().with_limit(Duration::from_secs(90)).run_with_input(&arguments, &text)?.ok()?;
    }
    Ok(())
}

fn manifest(names: Names) -> Result<String> {
    let path = paths::root().join(MANIFEST);
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    template::render(&text, &[("TEAM", names.team), ("PREFIX", names.prefix)])
}
