//! Writes manual pages and completions of the command line into a folder, for packages:
//! `cargo run --example handbook -- target/handbook`.
//!
//! Both come from the arguments as they are defined, so they say what `--help` says. They are not commands of the
//! program itself, which they would make 320 KiB larger.

use clap_complete::Shell;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: handbook FOLDER")?;
    write(Path::new(&folder))
}

/// `man/*.1` and `completions/*`, as the shells call them.
pub(crate) fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (pages, completions) = (folder.join("man"), folder.join("completions"));
    std::fs::create_dir_all(&pages)?;
    std::fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(consolegate::cli::command(), pages)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut consolegate::cli::command(), "consolegate", &completions)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::write;
    use std::process::Command;

    #[test]
    fn the_shells_read_their_completions_and_there_is_a_page_for_each_command() -> Result<(), Box<dyn std::error::Error>>
    {
        let folder = tempfile::tempdir()?;
        write(folder.path())?;
        for (shell, name) in [("bash", "consolegate.bash"), ("zsh", "_consolegate"), ("fish", "consolegate.fish")] {
            let path = folder.path().join("completions").join(name);
            let script = std::fs::read_to_string(&path)?;
            for command in ["serve", "explain", "mint"] {
                assert!(script.contains(command), "{shell}: {command}");
            }
            // bash is everywhere; the others are read where they are.
            match Command::new(shell).arg("-n").arg(&path).output() {
                Ok(read) => assert!(read.status.success(), "{shell}: {}", String::from_utf8_lossy(&read.stderr)),
                Err(error) => assert_ne!(shell, "bash", "{error}"),
            }
        }
        for name in ["consolegate", "consolegate-serve", "consolegate-token-mint", "consolegate-explain"] {
            let page = std::fs::read_to_string(folder.path().join("man").join(format!("{name}.1")))?;
            assert!(page.contains(".TH") && page.contains(".SH NAME"), "{name}");
        }
        Ok(())
    }
}
