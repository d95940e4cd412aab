//! `kubegate kubeconfig` on real files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::world::World;

const EXISTING: &str = "\
# mine
apiVersion: v1
kind: Config
clusters:
- name: home   # the Pi
  cluster:
    server: https://10.0.0.1
users: []
contexts: []
current-context: home
";

fn signed_in() -> World {
    let world = World::new();
    world.run(&["login"]).ok();
    world
}

#[test]
fn makes_a_kubeconfig() {
    let world = signed_in();
    world.run(&["kubeconfig", "--all"]).ok();
    let file = world.home.path().join(".kube/config");
    let text = fs::read_to_string(&file).unwrap();
    for expected in ["kubegate-prod", "kubegate-staging", "--cluster=prod", &format!("--server={}", world.fake.url)] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    let program = format!("command: {}", env!("CARGO_BIN_EXE_kubegate"));
    assert!(text.contains(&program), "not on the PATH, so by its path:\n{text}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!file.with_extension("lock").exists());

    let again = world.run(&["kubeconfig", "--all"]).ok();
    assert!(again.stderr.contains("has all of it already"), "{again:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn changes_the_first_file_of_kubeconfig_behind_its_link() {
    let world = signed_in();
    let (real, link) = (world.home.path().join("real"), world.home.path().join("link"));
    fs::write(&real, EXISTING).unwrap();
    symlink("real", &link).unwrap();
    let list = format!(":{}:{}", link.display(), world.home.path().join("other").display());
    let mut command = world.command(&["kubeconfig", "--cluster", "prod", "--context", "work"]);
    crate::world::Ended::from(command.env("KUBECONFIG", list).output().unwrap()).ok();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let text = fs::read_to_string(&real).unwrap();
    assert!(text.contains("# mine\n") && text.contains("- name: home   # the Pi\n"), "{text}");
    assert!(text.contains("name: work") && text.contains("name: kubegate-work"), "{text}");
    assert!(text.contains("\ncurrent-context: home\n"), "{text}");
    assert!(!world.home.path().join("other").exists());
}

#[test]
fn passes_its_options_on_to_the_helper() {
    let world = signed_in();
    fs::write(world.home.path().join("ca.pem"), "").unwrap();
    let mut command =
        world.command(&["kubeconfig", "--cluster=prod", "--stdout", "--certificate-authority=ca.pem", "--no-browser"]);
    let ended = crate::world::Ended::from(command.current_dir(world.home.path()).output().unwrap()).ok();
    let absolute = fs::canonicalize(world.home.path()).unwrap().join("ca.pem");
    for expected in [
        format!("--certificate-authority={}", absolute.display()),
        "--no-browser".into(),
        "current-context: prod".into(),
    ] {
        assert!(ended.stdout.contains(&expected), "{expected} in {ended:?}");
    }
    assert!(!world.home.path().join(".kube").exists());
}

#[test]
fn asks_back_instead_of_guessing() {
    let world = signed_in();
    world.run(&["kubeconfig"]).failed(2, &["prod, staging"]);
    world.run(&["kubeconfig", "--cluster", "x"]).failed(1, &["no cluster \"x\"", "prod, staging"]);
    world.fake.state().clusters.clear();
    world.run(&["kubeconfig", "--all"]).failed(1, &["Ask your operator"]);
}

#[test]
fn leaves_a_broken_or_locked_file_alone() {
    let world = signed_in();
    let file = world.home.path().join("config");
    let named = ["kubeconfig", "--all", "--kubeconfig", file.to_str().unwrap()];
    fs::write(&file, "clusters: [\n").unwrap();
    world.run(&named).failed(1, &["not valid YAML"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "clusters: [\n");
    fs::remove_file(&file).unwrap();
    fs::write(world.home.path().join("config.lock"), "").unwrap();
    world.run(&named).failed(1, &["config.lock exists"]);
    assert!(!file.exists());
}

/// kubectl itself reads what was written, when there is one on the machine.
#[test]
fn kubectl_reads_it() {
    let world = signed_in();
    let file = world.home.path().join("config");
    fs::write(&file, EXISTING).unwrap();
    world.run(&["kubeconfig", "--all", "--kubeconfig", file.to_str().unwrap()]).ok();
    let kubectl = std::process::Command::new("kubectl")
        .args(["config", "view", "-o", "jsonpath={.contexts[*].name} {.users[0].user.exec.args[0]}", "--kubeconfig"])
        .arg(&file)
        .output();
    let Ok(output) = kubectl else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "prod staging credential");
}
