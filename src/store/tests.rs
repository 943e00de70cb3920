//! The store against full memory, many at once, and clocks that jump.

use super::*;
use crate::reason::Reason;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

const NOW: u64 = 1_795_300_000;
const HOUR: u64 = 3600;

async fn spend(store: &Store, name: &str, until: u64, now: u64) -> Result<(), Reason> {
    store.spend(name, until, now).await.map_err(|failure| failure.reason)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t20_of_a_hundred_at_once_one_wins() {
    let (store, start) = (Arc::new(Store::memory(10)), Arc::new(tokio::sync::Barrier::new(100)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (store, start) = (Arc::clone(&store), Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            spend(&store, "a", NOW + 60, NOW).await
        });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_full_store_refuses_rather_than_forget() {
    let store = Store::memory(3);
    for name in ["a", "b", "c"] {
        assert_eq!(spend(&store, name, NOW + 60, NOW).await, Ok(()));
    }
    assert_eq!(spend(&store, "d", NOW + 60, NOW).await, Err(Reason::StoreFull));
    assert_eq!(spend(&store, "a", NOW + 60, NOW).await, Err(Reason::TokenReplay), "still known");
    assert_eq!(spend(&store, "d", NOW + 120, NOW + 59).await, Err(Reason::StoreFull));
    assert_eq!(spend(&store, "d", NOW + 120, NOW + 60).await, Ok(()), "room as soon as names are over");
    assert_eq!(spend(&Store::memory(0), "a", NOW + 60, NOW).await, Err(Reason::StoreFull));
}

#[tokio::test]
async fn names_are_kept_for_an_hour_where_there_is_room() {
    let store = Store::memory(10);
    assert_eq!(spend(&store, "a", NOW + 60, NOW).await, Ok(()));
    assert_eq!(spend(&store, "b", NOW + HOUR + 60, NOW + HOUR).await, Ok(()));
    assert_eq!(spend(&store, "a", NOW + 60, NOW).await, Err(Reason::TokenReplay), "the clock went back an hour");
}

#[tokio::test]
async fn a_clock_set_back_by_days_opens_nothing_again() {
    let store = Store::memory(10);
    assert_eq!(spend(&store, "a", NOW + 60, NOW).await, Ok(()));
    let later = NOW + 48 * HOUR;
    assert_eq!(spend(&store, "b", later + 60, later).await, Ok(()), "forgets a");
    assert_eq!(spend(&store, "a", NOW + 60, NOW).await, Err(Reason::TokenReplay));
    assert_eq!(spend(&store, "c", NOW + 61, NOW + 1).await, Ok(()), "names later than all forgotten ones go on");
}

#[tokio::test]
async fn a_clock_set_back_by_half_an_hour_refuses_nobody_new() {
    let store = Store::memory(1000);
    for n in 0..100 {
        assert_eq!(spend(&store, &format!("a{n}"), NOW + 60 + n, NOW + n).await, Ok(()));
    }
    let back = NOW - HOUR / 2;
    assert_eq!(spend(&store, "new", back + 60, back).await, Ok(()));
}

#[tokio::test]
async fn a_session_is_resumed_while_it_lives_and_shortly_after() {
    let (store, id) = (Store::memory(10), SessionId::from_bits(1));
    let may =
        async |generation, now| store.may_resume(id, generation, 120, now).await.map_err(|failure| failure.reason);
    assert_eq!(may(0, NOW).await, Err(Reason::ResumeExpired), "nobody knows it");
    store.session_live(id, 0).await;
    assert_eq!(may(0, NOW + 8 * HOUR).await, Ok(()), "live, however long");
    store.session_ended(id, 0, NOW).await;
    assert_eq!(may(0, NOW + 120).await, Ok(()));
    assert_eq!(may(0, NOW + 121).await, Err(Reason::ResumeExpired));
    assert_eq!(may(0, NOW - 50).await, Ok(()), "a clock set back");
    store.session_live(id, 1).await;
    assert_eq!(may(0, NOW).await, Err(Reason::ResumeExpired), "an older generation");
    assert_eq!(may(1, NOW + HOUR).await, Ok(()));
    assert_eq!(may(2, NOW + HOUR).await, Ok(()), "a ticket that was fetched and never used");
}

#[tokio::test]
async fn the_end_of_a_connection_that_was_taken_over_is_not_the_sessions_end() {
    let (store, id) = (Store::memory(10), SessionId::from_bits(1));
    store.session_live(id, 0).await;
    store.session_live(id, 1).await;
    store.session_ended(id, 0, NOW).await;
    assert!(store.may_resume(id, 1, 120, NOW + HOUR).await.is_ok());
    store.session_live(id, 0).await;
    assert!(store.may_resume(id, 0, 120, NOW).await.is_err(), "no way back to an older generation");
    store.session_ended(id, 1, NOW).await;
    store.session_ended(id, 1, NOW + HOUR).await;
    assert!(store.may_resume(id, 1, 120, NOW + HOUR).await.is_err(), "a second end does not lengthen it");
}

#[tokio::test]
async fn the_ledger_is_bounded_and_forgets_the_first_to_end() {
    let store = Store::memory(3);
    let id = SessionId::from_bits;
    for n in 0..3 {
        store.session_live(id(n), 0).await;
    }
    store.session_live(id(3), 0).await;
    assert!(store.may_resume(id(3), 0, 120, NOW).await.is_err(), "no room among the living: not resumable");
    store.session_ended(id(1), 0, NOW + 1).await;
    store.session_ended(id(0), 0, NOW).await;
    store.session_live(id(4), 0).await;
    assert!(store.may_resume(id(0), 0, 120, NOW + 2).await.is_err(), "the first to end made room");
    assert!(store.may_resume(id(1), 0, 120, NOW + 2).await.is_ok());
    assert!(store.may_resume(id(4), 0, 120, NOW + 2).await.is_ok());
}

#[tokio::test]
async fn a_session_that_is_over_is_not_resumed() {
    let (store, id) = (Store::memory(10), SessionId::from_bits(1));
    store.session_live(id, 0).await;
    store.session_over(id, 0).await;
    assert!(store.may_resume(id, 0, 120, NOW).await.is_err(), "over while it lived");
    store.session_ended(id, 0, NOW).await;
    assert!(store.may_resume(id, 0, 120, NOW).await.is_err(), "a later end is not the way back");
    assert_eq!(lock(&store.ledger).len(), 0);

    let cut = SessionId::from_bits(2);
    store.session_live(cut, 3).await;
    store.session_ended(cut, 3, NOW).await;
    store.session_over(cut, 3).await;
    assert!(store.may_resume(cut, 3, 120, NOW).await.is_err(), "over while it could be resumed");
    assert_eq!(lock(&store.ledger).len(), 0);
}

#[tokio::test]
async fn an_older_connection_does_not_make_a_newer_one_over() {
    let (store, id) = (Store::memory(10), SessionId::from_bits(1));
    store.session_live(id, 0).await;
    store.session_live(id, 1).await;
    store.session_over(id, 0).await;
    assert!(store.may_resume(id, 1, 120, NOW).await.is_ok());
    store.session_ended(id, 1, NOW).await;
    store.session_over(id, 0).await;
    assert!(store.may_resume(id, 1, 120, NOW).await.is_ok(), "nor one that was cut");
    store.session_over(id, 2).await;
    assert!(store.may_resume(id, 2, 120, NOW).await.is_err(), "a newer one does");
}

#[tokio::test]
async fn sessions_nobody_may_resume_any_more_are_forgotten_with_room_to_spare() {
    let store = Store::memory(10_000).resumable_for(120);
    for n in 0..1000 {
        let (id, now) = (SessionId::from_bits(u128::from(n)), NOW + n);
        store.session_live(id, 0).await;
        store.session_ended(id, 0, now).await;
    }
    assert_eq!(lock(&store.ledger).len(), 121, "those of the last 120 s, and none before");
    assert!(store.may_resume(SessionId::from_bits(879), 0, 120, NOW + 999).await.is_ok(), "the oldest of them");
    let living = SessionId::from_bits(5000);
    store.session_live(living, 0).await;
    store.session_ended(SessionId::from_bits(999), 0, NOW + 9999).await;
    assert!(store.may_resume(living, 0, 120, NOW + 9999).await.is_ok(), "one that lives is never forgotten");
}

proptest! {
    /// Whatever comes in whatever order with whatever clock: no name is let in twice with the same time, and there is
    /// never more in memory than was allowed.
    #[test]
    fn no_clock_lets_a_name_in_twice(calls in proptest::collection::vec((0_u8..20, 0_u64..20_000), 1..200), capacity in 1_usize..15) {
        let mut spent = Spent::new(capacity);
        let mut wins: HashMap<u8, u32> = HashMap::new();
        for (name, now) in calls {
            // A name's time is its own, as a token's `exp` is.
            let until = 500 + u64::from(name) * 900;
            if now <= until && spent.spend(&name.to_string(), until, now).is_ok() {
                *wins.entry(name).or_default() += 1;
            }
            prop_assert!(spent.len() <= capacity);
        }
        prop_assert!(wins.values().all(|wins| *wins == 1), "{wins:?}");
    }
}
