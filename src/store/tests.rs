//! The store against full memory, many at once, and clocks that jump.

use super::spent::Spent;
use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

const NOW: u64 = 1_795_300_000;
const HOUR: u64 = 3600;

/// Uses a token up for a session of its own.
async fn spend(store: &Store, name: &str, until: u64, now: u64) -> Result<(), Reason> {
    let session = SessionId::from_bits(name.bytes().fold(1 << 64, |bits, byte| bits << 8 | u128::from(byte)));
    store
        .begin(Once { name, until, now, made: now }, session, now + 8 * HOUR, 120)
        .await
        .map_err(|failure| failure.reason)
}

/// A session that a token began.
async fn begun(store: &Store, session: SessionId, ends: u64, now: u64) {
    let name = format!("jti:{session}");
    store.begin(Once { name: &name, until: now + 60, now, made: now }, session, ends, 120).await.unwrap();
}

async fn open(store: &Store, generation: u32, now: u64) -> Result<(), Failure> {
    let name = format!("ticket:{ID}:{generation}");
    store.open_ticket(Once { name: &name, until: now + 30, now, made: now }, ID, generation).await
}

fn ledger(store: &Store) -> std::sync::MutexGuard<'_, ledger::Ledger> {
    let Backend::Memory(memory) = &store.backend else { panic!("a store in memory") };
    memory::lock(&memory.ledger)
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

const ID: SessionId = SessionId::from_bits(1);
const ENDS: u64 = NOW + 8 * HOUR;

async fn resume(store: &Store, generation: u32, now: u64) -> Result<u32, Reason> {
    store.resume(ID, generation, 120, now).await.map_err(|failure| failure.reason)
}

#[tokio::test]
async fn a_session_is_resumed_while_it_lives_and_shortly_after() {
    let store = Store::memory(10);
    assert_eq!(resume(&store, 0, NOW).await, Err(Reason::ResumeExpired), "nobody knows it");
    begun(&store, ID, ENDS, NOW).await;
    store.live(ID, 0, ENDS).await.unwrap();
    assert_eq!(resume(&store, 0, NOW + HOUR).await, Ok(1), "live, however long");
    store.live(ID, 1, ENDS).await.unwrap();
    store.ended(ID, 1, 120, NOW + HOUR).await.unwrap();
    store.ended(ID, 1, 120, NOW + HOUR + 100).await.unwrap();
    assert_eq!(resume(&store, 1, NOW + HOUR + 121).await, Err(Reason::ResumeExpired), "a second end lengthens nothing");
    assert_eq!(resume(&store, 1, NOW + HOUR + 120).await, Ok(2));
    assert_eq!(resume(&store, 2, NOW + HOUR - 50).await, Ok(3), "a clock set back; ticket 2 was never used");
}

#[tokio::test]
async fn a_resume_in_the_last_second_leaves_its_ticket_time_to_open() {
    let (store, other) = (Store::memory(10), SessionId::from_bits(2));
    store.live(ID, 0, ENDS).await.unwrap();
    store.ended(ID, 0, 120, NOW).await.unwrap();
    assert_eq!(resume(&store, 0, NOW + 120).await, Ok(1));
    store.live(other, 0, ENDS).await.unwrap();
    store.ended(other, 0, 120, NOW + 125).await.unwrap();
    assert_eq!(
        open(&store, 1, NOW + 125).await,
        Ok(()),
        "what sweeps forgets sessions that nobody may resume, not this one"
    );
}

const ITS_OWN: Option<Machine> = Some(Machine::from_bits(1));
const ANOTHER: Option<Machine> = Some(Machine::from_bits(2));

/// An open that failed.
async fn refused(store: &Store, generation: u32, now: u64) {
    store.connecting(ID, generation, ENDS, 120, now).await.unwrap();
    store.ended(ID, generation, 120, now).await.unwrap();
}

#[tokio::test]
async fn x05_opens_that_fail_keep_a_session_of_an_unknown_machine_alive_no_longer() {
    let store = Store::memory(10);
    begun(&store, ID, ENDS, NOW).await;
    refused(&store, 0, NOW + 60).await;
    assert_eq!(resume(&store, 0, NOW + 110).await, Ok(1));
    refused(&store, 1, NOW + 115).await;
    assert_eq!(resume(&store, 1, NOW + 121).await, Err(Reason::ResumeExpired));
    assert!(store.may_return(ID, 120, NOW + 121).await.is_err());
}

#[tokio::test]
async fn x05_a_session_waits_for_its_own_machine_as_long_as_its_page_asks_and_for_no_other() {
    let store = Store::memory(10);
    begun(&store, ID, ENDS, NOW).await;
    store.meets(ID, None).await.unwrap();
    store.meets(ID, ITS_OWN).await.unwrap();
    for generation in 0..50 {
        let now = NOW + u64::from(generation) * 100;
        refused(&store, generation, now).await;
        assert_eq!(resume(&store, generation, now + 100).await, Ok(generation + 1));
        store.meets(ID, ITS_OWN).await.unwrap();
    }
    let now = NOW + 5000;
    assert_eq!(store.meets(ID, ANOTHER).await.unwrap_err().reason, Reason::GuestNotFound);
    assert_eq!(resume(&store, 50, now).await, Err(Reason::ResumeExpired), "it is over");
    assert!(store.may_return(ID, 120, now).await.is_err());
    assert!(store.meets(ID, ITS_OWN).await.is_ok() && resume(&store, 50, now).await.is_err(), "and stays so");
}

#[tokio::test]
async fn x05_a_machine_that_was_known_and_cannot_be_named_any_more_is_not_believed() {
    let store = Store::memory(10);
    begun(&store, ID, ENDS, NOW).await;
    store.meets(ID, ITS_OWN).await.unwrap();
    assert_eq!(store.meets(ID, None).await.unwrap_err().reason, Reason::GuestNotFound);
}

#[tokio::test]
async fn a_resume_that_does_not_connect_ends_nothing_of_the_connection_before() {
    let store = Store::memory(10);
    begun(&store, ID, ENDS, NOW).await;
    store.live(ID, 0, ENDS).await.unwrap();
    assert_eq!(resume(&store, 0, NOW + HOUR).await, Ok(1));
    refused(&store, 1, NOW + HOUR).await;
    assert_eq!(resume(&store, 1, NOW + HOUR + 120).await, Ok(2), "it was connected until a moment ago");
}

#[tokio::test]
async fn a_ticket_of_a_session_that_is_not_known_is_told_so() {
    let cause = open(&Store::memory(10), 3, NOW).await.unwrap_err().cause;
    assert!(cause.contains("not known"), "{cause}");
}

#[tokio::test]
async fn a_lost_answer_to_a_resume_is_given_again_until_its_ticket_opened() {
    let store = Store::memory(10);
    store.live(ID, 0, ENDS).await.unwrap();
    store.ended(ID, 0, 120, NOW).await.unwrap();
    assert_eq!(resume(&store, 0, NOW).await, Ok(1));
    assert_eq!(resume(&store, 0, NOW + 1).await, Ok(1), "the same generation, so that one ticket of it opens");
    store.live(ID, 1, ENDS).await.unwrap();
    assert_eq!(resume(&store, 0, NOW + 2).await, Err(Reason::TokenReplay));
    assert_eq!(resume(&store, 1, NOW + 2).await, Ok(2));
    assert_eq!(resume(&store, 0, NOW + 2).await, Err(Reason::TokenReplay), "only the one before the newest");
}

#[tokio::test]
async fn a_lost_answer_is_not_given_again_faster_than_a_page_asks() {
    let store = Store::memory(10);
    begun(&store, ID, ENDS, NOW).await;
    for _ in 0..6 {
        assert_eq!(resume(&store, 0, NOW).await, Ok(1));
    }
    assert_eq!(resume(&store, 0, NOW).await, Err(Reason::ResumeRate));
}

#[tokio::test]
async fn a_resume_token_resumes_once_and_costs_no_name() {
    let store = Store::memory(2);
    begun(&store, ID, ENDS, NOW).await;
    assert_eq!(resume(&store, 0, NOW).await, Ok(1));
    store.live(ID, 1, ENDS).await.unwrap();
    assert_eq!(resume(&store, 0, NOW).await, Err(Reason::TokenReplay));
    for generation in 1..500 {
        assert_eq!(resume(&store, generation, NOW + u64::from(generation) * 8).await, Ok(generation + 1));
        store.live(ID, generation + 1, ENDS).await.unwrap();
    }
    assert_eq!(spend(&store, "a", NOW + 8000, NOW + 4000).await, Ok(()), "there is room for a fresh token");
}

#[tokio::test]
async fn resumes_faster_than_a_page_are_refused() {
    let store = Store::memory(10);
    begun(&store, ID, ENDS, NOW).await;
    for generation in 0..6 {
        assert_eq!(resume(&store, generation, NOW).await, Ok(generation + 1));
    }
    assert_eq!(resume(&store, 6, NOW).await, Err(Reason::ResumeRate));
    assert_eq!(resume(&store, 6, NOW + 7).await, Err(Reason::ResumeRate));
    assert_eq!(resume(&store, 6, NOW + 8).await, Ok(7), "the token is still good");
}

#[tokio::test]
async fn only_the_newest_ticket_opens_and_opens_once() {
    let store = Store::memory(10);
    assert!(open(&store, 1, NOW).await.is_err(), "a resume nobody here issued");
    assert!(open(&store, 0, NOW).await.is_ok(), "sealed by another gateway");
    let store = Store::memory(10);
    begun(&store, ID, ENDS, NOW).await;
    assert_eq!(resume(&store, 0, NOW).await, Ok(1));
    assert_eq!(open(&store, 0, NOW).await.unwrap_err().reason, Reason::TicketRefused);
    assert!(open(&store, 1, NOW).await.is_ok());
    assert_eq!(open(&store, 1, NOW).await.unwrap_err().reason, Reason::TokenReplay);
}

#[tokio::test]
async fn a_token_that_cannot_be_remembered_begins_no_session() {
    let store = Store::memory(1);
    begun(&store, SessionId::from_bits(9), ENDS, NOW).await;
    let refused = store.begin(Once { name: "another", until: NOW + 60, now: NOW, made: NOW }, ID, ENDS, 120).await;
    assert_eq!(refused.unwrap_err().reason, Reason::StoreFull);
    assert_eq!(resume(&store, 0, NOW).await, Err(Reason::ResumeExpired), "nobody knows it");
}

#[tokio::test(start_paused = true)]
async fn f13_a_store_that_does_not_answer_is_waited_for_so_long_and_no_longer() {
    let (store, began) = (Store::stuck(), tokio::time::Instant::now());
    let once = Once { name: "a", until: NOW + 60, now: NOW, made: NOW };
    for answer in [
        store.begin(once, ID, ENDS, 120).await,
        store.open_ticket(once, ID, 0).await,
        store.resume(ID, 0, 120, NOW).await.map(drop),
        store.may_return(ID, 120, NOW).await,
        store.connecting(ID, 0, ENDS, 120, NOW).await,
        store.meets(ID, None).await,
        store.live(ID, 0, ENDS).await,
        store.ended(ID, 0, 120, NOW).await,
        store.over(ID, 0).await,
    ] {
        assert_eq!(answer.unwrap_err().reason, Reason::StoreDown);
    }
    assert_eq!(began.elapsed(), DEADLINE * 9);
}

#[tokio::test]
async fn nothing_in_a_pocket_undoes_an_end_for_good() {
    let store = Store::memory(10);
    begun(&store, ID, ENDS, NOW).await;
    store.live(ID, 0, ENDS).await.unwrap();
    assert_eq!(resume(&store, 0, NOW).await, Ok(1), "a ticket for the pocket");
    store.over(ID, 0).await.unwrap();
    assert!(open(&store, 1, NOW).await.is_err());
    assert_eq!(resume(&store, 1, NOW).await, Err(Reason::ResumeExpired));
    let late = store.connecting(ID, 1, ENDS, 120, NOW).await.unwrap_err();
    assert_eq!(late.reason, Reason::TicketRefused, "nor does a connection that was on its way");
    assert_eq!(store.live(ID, 1, ENDS).await.unwrap_err().reason, Reason::TicketRefused);
    assert_eq!(resume(&store, 1, NOW).await, Err(Reason::ResumeExpired));
}

#[tokio::test]
async fn a_connection_that_was_overtaken_on_its_way_comes_about_no_more() {
    let store = Store::memory(10);
    begun(&store, ID, ENDS, NOW).await;
    assert_eq!(resume(&store, 0, NOW).await, Ok(1));
    store.connecting(ID, 1, ENDS, 120, NOW).await.unwrap();
    assert_eq!(store.connecting(ID, 0, ENDS, 120, NOW).await.unwrap_err().reason, Reason::TakenOver);
    assert_eq!(store.live(ID, 0, ENDS).await.unwrap_err().reason, Reason::TakenOver);
    store.live(ID, 1, ENDS).await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_connection_that_was_taken_over_is_not_the_sessions_end() {
    let store = Store::memory(10);
    store.live(ID, 0, ENDS).await.unwrap();
    assert_eq!(resume(&store, 0, NOW).await, Ok(1));
    store.live(ID, 1, ENDS).await.unwrap();
    store.ended(ID, 0, 120, NOW).await.unwrap();
    store.over(ID, 0).await.unwrap();
    assert_eq!(resume(&store, 1, NOW + HOUR).await, Ok(2));
}

#[tokio::test]
async fn the_ledger_is_bounded_and_forgets_what_nobody_may_resume() {
    let id = |n: u64| SessionId::from_bits(u128::from(n));
    let store = Store::memory(10_000);
    for n in 0..1000 {
        store.live(id(n), 0, ENDS).await.unwrap();
        store.ended(id(n), 0, 120, NOW + n).await.unwrap();
    }
    assert_eq!(ledger(&store).len(), 121, "those of the last 120 s, and none before");
    let small = Store::memory(3);
    for n in 0..9 {
        small.live(id(n), 0, ENDS).await.unwrap();
        small.ended(id(n), 0, 120, NOW + n).await.unwrap();
        small.live(id(100 + n), 0, ENDS).await.unwrap();
        assert!(ledger(&small).len() <= 3);
    }
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

#[tokio::test]
async fn a_session_may_return_while_it_is_live_or_was_a_moment_ago() {
    let (store, id) = (Store::memory(10), SessionId::from_bits(7));
    let may = async |within, now| store.may_return(id, within, now).await.is_ok();
    assert!(!may(120, NOW).await, "nobody knows it");
    begun(&store, id, NOW + HOUR, NOW).await;
    assert!(may(120, NOW + 120).await, "its ticket is still under way");
    assert!(!may(120, NOW + 121).await);
    store.live(id, 0, NOW + HOUR).await.unwrap();
    assert!(may(120, NOW + 1000).await);
    store.ended(id, 0, 120, NOW + 1000).await.unwrap();
    assert!(may(120, NOW + 1120).await);
    assert!(!may(120, NOW + 1121).await);
    assert!(may(120, NOW + 1000).await, "asking changes nothing");
    store.over(id, 0).await.unwrap();
    assert!(!may(120, NOW + 1000).await);
}
