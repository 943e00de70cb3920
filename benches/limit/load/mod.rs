//! The clients of a measurement, in a process of their own: opens sessions, does jobs with all of them, and checks every
//! byte, so that a relay that loses or changes one is found out.
//!
//! Owns the order of things: one JSON line in, one out. It ends when its input ends.

mod check;
mod connect;
mod login;
mod order;
mod session;
mod token;

pub use connect::{connect, connector};
pub use order::{Door, Job, Order, Outcomes, Records, Rights};

use crate::Outcome;
use crate::certificates::Certificates;
use session::Session;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

/// What a session reports: a job done, or its end.
type Report = Outcome<session::Done>;

/// Runs the order in the first line of the input, then the jobs in the following ones.
pub async fn run() -> Outcome<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let Some(line) = lines.next_line().await? else { return Ok(()) };
    let order: Order = serde_json::from_str(&line)?;
    let (reports, received) = mpsc::channel(1024);
    let mut load = Load { sessions: Vec::new(), received };
    // Connecting can take longer than whoever ordered it lives.
    tokio::select! {
        opened = load.open(&order, reports) => say(&opened?)?,
        () = ended(&mut lines) => return Ok(()),
    }
    while let Some(line) = lines.next_line().await? {
        say(&load.run(serde_json::from_str(&line)?).await?)?;
    }
    Ok(())
}

struct Load {
    sessions: Vec<mpsc::Sender<Job>>,
    received: mpsc::Receiver<Report>,
}

impl Load {
    async fn open(&mut self, order: &Order, reports: mpsc::Sender<Report>) -> Outcome<Outcomes> {
        let connector = connector(&Certificates::of(&order.folder))?;
        let (began, places) = (Instant::now(), Arc::new(Semaphore::new(order.at_once)));
        for number in 0..order.sessions {
            let place = Arc::clone(&places).acquire_owned().await?;
            let (order, connector, reports) = (order.clone(), connector.clone(), reports.clone());
            let (jobs, todo) = mpsc::channel(1);
            self.sessions.push(jobs);
            tokio::spawn(async move {
                let opened = Session::open(&order, number, &connector).await;
                drop(place);
                let told = opened.as_ref().map(|_| session::Done::default()).map_err(ToString::to_string);
                let _ = reports.send(told.map_err(Into::into)).await;
                if let Ok(session) = opened {
                    let why = session.live(todo, &reports).await;
                    let _ = reports.send(Err(why)).await;
                }
            });
        }
        drop(reports);
        self.collect(began).await
    }

    /// Gives a job to all sessions and waits for all.
    async fn run(&mut self, job: Job) -> Outcome<Outcomes> {
        let began = Instant::now();
        for session in &self.sessions {
            // One that ended has reported it.
            let _ = session.send(job).await;
        }
        self.collect(began).await
    }

    async fn collect(&mut self, began: Instant) -> Outcome<Outcomes> {
        let mut outcomes = Outcomes::default();
        for _ in 0..self.sessions.len() {
            match self.received.recv().await {
                Some(Ok(done)) => {
                    outcomes.sessions += 1;
                    outcomes.bytes += done.bytes;
                    outcomes.round_trips.extend(done.round_trips);
                }
                Some(Err(error)) => {
                    outcomes.trouble = Some(error.to_string());
                    break;
                }
                None => return Err("no session is left".into()),
            }
        }
        outcomes.seconds = began.elapsed().as_secs_f64();
        outcomes.round_trips.sort_unstable();
        Ok(outcomes)
    }
}

async fn ended(lines: &mut Lines<BufReader<Stdin>>) {
    while let Ok(Some(_)) = lines.next_line().await {}
}

fn say(outcomes: &Outcomes) -> Outcome<()> {
    println!("{}", serde_json::to_string(outcomes)?);
    Ok(())
}
