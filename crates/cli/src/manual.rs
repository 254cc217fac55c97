//! What shells and `man` are told of the commands, from the same data as `--help`.

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;
use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};
use tracelift_files::Draft;

/// Settings of `completions`.
#[derive(Args)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

/// Settings of `man`.
#[derive(Args)]
pub struct Man {
    /// A folder for the pages of all commands [default: the page of `tracelift` goes to standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Prints what a shell completes by.
pub fn complete(settings: &Completions, mut command: Command) -> Result<()> {
    let name = command.get_name().to_owned();
    // It is made as a whole first: `clap_complete` panics where it cannot write.
    let mut text = Vec::new();
    clap_complete::generate(settings.shell, &mut command, name, &mut text);
    Ok(io::stdout().write_all(&text)?)
}

/// Writes pages of the manual.
pub fn man(settings: &Man, mut command: Command) -> Result<()> {
    let Some(folder) = &settings.out else {
        let mut text = Vec::new();
        clap_mangen::Man::new(command).render(&mut text)?;
        return Ok(io::stdout().write_all(&text)?);
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    command.build();
    let mut written = 0;
    let mut open = vec![(command.get_name().to_owned(), command)];
    while let Some((name, command)) = open.pop() {
        // Of `help` and of what is hidden there is nothing to say.
        let below =
            command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set());
        open.extend(below.map(|below| (format!("{name}-{}", below.get_name()), below.clone())));
        let mut draft = Draft::begin(folder.join(format!("{name}.1")))?;
        clap_mangen::Man::new(command.display_name(&name)).title(&name).render(&mut draft)?;
        draft.finish()?;
        written += 1;
    }
    eprintln!("{written} pages in {}: man -l {}", folder.display(), folder.join("tracelift.1").display());
    Ok(())
}
