//! What is held of a key set that is asked for over the network: the last good answer, and when to ask again.
//!
//! Decides from values and the time it is given. An answer that is no good changes nothing but when the next one is asked
//! for; one that is good replaces the whole set, so a key that the panel took out is out. Hostile inputs T29, F14.

use super::jwks::KeySet;
use std::sync::Arc;

/// Between two questions, whatever comes in, in seconds.
pub(super) const INTERVAL_SECONDS: u64 = 30;
/// How long an answer is fresh, at least and at most, whatever its `max-age` says.
const FRESH_SECONDS: (u64, u64) = (300, 3600);

/// The last good set and how the asking goes. Times are Unix seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    keys: Arc<KeySet>,
    /// When the last good answer stops being fresh; none: there was none.
    due: Option<u64>,
    asked: Option<u64>,
    asking: bool,
    answers: u64,
    /// What was wrong with the last answer.
    wrong: Option<String>,
}

impl Held {
    /// The keys, while they count.
    ///
    /// # Errors
    /// In the operator's words: none have come, or the last ones are too old.
    pub(super) fn keys(&self, now: u64, max_stale: u64) -> Result<&Arc<KeySet>, String> {
        let why = self.wrong.as_deref().unwrap_or("no answer yet");
        match self.due {
            None => Err(format!("no key set has come: {why}")),
            Some(due) if now > due.saturating_add(max_stale) => {
                Err(format!("a fresh key set was due {} s ago: {why}", now - due))
            }
            Some(_) => Ok(&self.keys),
        }
    }

    /// Seconds until it is asked again by itself.
    pub(super) fn wait(&self, now: u64) -> u64 {
        let Some(asked) = self.asked else { return 0 };
        let next = match (&self.wrong, self.due) {
            (None, Some(due)) => due,
            _ => asked.saturating_add(INTERVAL_SECONDS),
        };
        // A clock that was set back must not put it off for longer than any answer is fresh.
        next.saturating_sub(now).min(FRESH_SECONDS.1)
    }

    /// Whether a token that names an unknown key may have it asked now. A clock set back allows it.
    pub(super) fn may_ask(&self, now: u64) -> bool {
        !self.asking && self.asked.is_none_or(|asked| now.abs_diff(asked) >= INTERVAL_SECONDS)
    }

    /// Whether an answer is on its way.
    pub(super) const fn is_asking(&self) -> bool {
        self.asking
    }

    /// How many answers there were, good or not.
    pub(super) const fn answers(&self) -> u64 {
        self.answers
    }

    /// The question is being asked.
    pub(super) const fn ask(&mut self, now: u64) {
        self.asking = true;
        self.asked = Some(now);
    }

    /// What came of it: a good set and its `max-age`, or what was wrong.
    pub(super) fn answer(&mut self, answer: Result<(KeySet, Option<u64>), String>, now: u64) {
        self.asking = false;
        self.answers = self.answers.wrapping_add(1);
        match answer {
            Ok((keys, max_age)) => {
                let (least, most) = FRESH_SECONDS;
                self.due = Some(now.saturating_add(max_age.unwrap_or(0).clamp(least, most)));
                self.keys = Arc::new(keys);
                self.wrong = None;
            }
            Err(why) => self.wrong = Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_300_000;

    fn good(held: &mut Held, max_age: Option<u64>, now: u64) {
        held.ask(now);
        held.answer(Ok((KeySet::new(), max_age)), now);
    }

    #[test]
    fn an_answer_is_fresh_for_five_minutes_to_an_hour() {
        for (max_age, fresh) in
            [(None, 300), (Some(0), 300), (Some(301), 301), (Some(3600), 3600), (Some(u64::MAX), 3600)]
        {
            let mut held = Held::default();
            assert_eq!(held.wait(NOW), 0, "the first is asked for at once");
            good(&mut held, max_age, NOW);
            assert_eq!(held.wait(NOW), fresh, "{max_age:?}");
            assert_eq!(held.wait(NOW + fresh), 0);
            assert_eq!(held.wait(0), 3600, "a clock set back puts it off for an hour at most");
        }
    }

    #[test]
    fn t29_nobody_asks_again_within_half_a_minute_or_while_an_answer_is_awaited() {
        let mut held = Held::default();
        assert!(held.may_ask(NOW));
        held.ask(NOW);
        assert!(!held.may_ask(NOW + 1000), "one in flight");
        held.answer(Err("500".into()), NOW + 3);
        assert!(!held.may_ask(NOW + 29));
        assert_eq!(held.wait(NOW + 3), 27, "and it asks again by itself then");
        assert!(held.may_ask(NOW + 30));
        good(&mut held, Some(3600), NOW + 30);
        assert!(!held.may_ask(NOW + 59) && held.may_ask(NOW + 60));
    }

    #[test]
    fn f14_the_last_good_set_counts_until_it_is_too_old() {
        let mut held = Held::default();
        assert!(held.keys(NOW, 3600).unwrap_err().contains("no answer yet"));
        good(&mut held, None, NOW);
        for failure in 1..=100 {
            held.ask(NOW + 300 + failure);
            held.answer(Err("it answers 500".into()), NOW + 300 + failure);
        }
        assert!(held.keys(NOW + 300 + 3600, 3600).is_ok());
        let stale = held.keys(NOW + 300 + 3601, 3600).unwrap_err();
        assert!(stale.contains("3601 s ago") && stale.contains("it answers 500"), "{stale}");
        good(&mut held, None, NOW + 4000);
        assert!(held.keys(NOW + 4000, 3600).is_ok());
    }
}
