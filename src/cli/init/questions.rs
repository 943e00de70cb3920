//! What `init` must know: from the arguments, or asked one question at a time.
//!
//! Asks on standard error and reads standard input. An answer that cannot be right is asked for again.

use super::{Answers, Arguments};
use crate::cli::exit::Stop;
use std::fmt::Display;
use std::io::{self, BufRead, Write};
use std::str::FromStr;

/// The answers: given, else asked for.
pub(super) fn answers(arguments: &Arguments) -> Result<Answers, Stop> {
    let ask = |given: bool, question: &str, flag: &str| match (given, arguments.non_interactive) {
        (true, _) => Ok(None),
        (false, true) => Err(Stop::Usage(format!("{flag} is needed with --non-interactive"))),
        (false, false) => Ok(Some(question.to_owned())),
    };
    let public_url =
        match ask(arguments.public_url.is_some(), "Public address of the console, as browsers see it", "--public-url")?
        {
            Some(question) => asked(&question, "https://console.example.com", one)?,
            None => arguments.public_url.clone().ok_or_else(ended)?,
        };
    let panel_given = arguments.panel.clone().zip(arguments.panel_origin.clone());
    let (panel, panel_origin) = match ask(
        panel_given.is_some(),
        "The panel: its name and where its pages are",
        "--panel and --panel-origin",
    )? {
        Some(question) => asked(&question, "panel https://panel.example.com", two)?,
        None => panel_given.ok_or_else(ended)?,
    };
    let node_given = arguments.node_name.clone().zip(arguments.node_address.clone());
    let (node_name, node_address) = match ask(
        node_given.is_some(),
        "The first Proxmox node: its name there and its address",
        "--node-name and --node-address",
    )? {
        Some(question) => asked(&question, "pve1 10.0.0.11:8006", |text| {
            let (name, address): (_, String) = two(text)?;
            Ok((name, super::node_address(&address)?))
        })?,
        None => node_given.ok_or_else(ended)?,
    };
    let cluster =
        match ask(arguments.cluster.is_some(), "A short name for the cluster, for tokens and metrics", "--cluster")? {
            Some(question) => asked(&question, "eu1", one)?,
            None => arguments.cluster.clone().ok_or_else(ended)?,
        };
    Ok(Answers { public_url, panel, panel_origin, cluster, node_name, node_address })
}

/// Asks until the answer can be read.
fn asked<T>(question: &str, example: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, Stop> {
    loop {
        write!(io::stderr(), "{question}\n  such as {example}\n> ")?;
        io::stderr().flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(ended());
        }
        match read(line.trim()) {
            Ok(answer) => return Ok(answer),
            Err(why) => writeln!(io::stderr(), "  {why}")?,
        }
    }
}

fn ended() -> Stop {
    Stop::Usage("the answers ended too soon; nothing was written".to_owned())
}

fn one<T>(text: &str) -> Result<T, String>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn two<A, B>(text: &str) -> Result<(A, B), String>
where
    A: FromStr<Err: Display>,
    B: FromStr<Err: Display>,
{
    let (first, second) = text.split_once(char::is_whitespace).ok_or("two words, with a space between")?;
    Ok((one(first)?, one(second.trim())?))
}
