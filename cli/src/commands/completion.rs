//! `kubegate completion`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Failure;
use crate::output;

/// Print the script that completes kubegate's commands in a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(kubegate completion bash)
  kubegate completion zsh > \"${fpath[1]}/_kubegate\"
  kubegate completion fish > ~/.config/fish/completions/kubegate.fish")]
pub(crate) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    /// Prints it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "kubegate", &mut script);
        output::result(&String::from_utf8_lossy(&script)).map_err(Failure::Output)
    }
}
