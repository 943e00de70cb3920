//! Whatever leaves of a batch, in whatever parts, is what the peer opens; and what need not move does not.

use super::super::batch::CHUNK;
use super::super::batch::{Batch, Cuts};
use super::super::head::size;
use super::super::layer::Opened;
use super::super::scene::{SUITES, shaken};
use super::*;
use crate::config::Engine;
use crate::wire::websocket::{Header, Opcode};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A sealing and an opening end.
fn ends() -> (Layer, Layer) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut server, mut client) = shaken(SUITES[0], Engine::Auto, 1 << 16).await;
        server.write_all(b"hello").await.unwrap();
        client.read_exact(&mut [0; 5]).await.unwrap();
        (server.into_layer(), client.into_layer())
    })
}

/// What comes of one piece.
#[derive(Debug, Clone)]
enum Fate {
    Whole,
    Dropped,
    /// Without its first and last bytes.
    Trimmed(usize, usize),
    /// In two parts with a header between.
    Split(usize),
    /// With bytes of our own before it.
    After(usize),
}

fn fates() -> impl Strategy<Value = Vec<(usize, Fate)>> {
    let len =
        prop_oneof![1_usize..40, 1_000_usize..1_050, 4_000_usize..4_200, 8_100_usize..8_300, 16_000_usize..=MAX_PLAIN];
    let fate = prop_oneof![
        6 => Just(Fate::Whole),
        1 => Just(Fate::Dropped),
        2 => (0_usize..30, 0_usize..30).prop_map(|(front, back)| Fate::Trimmed(front, back)),
        1 => any::<usize>().prop_map(Fate::Split),
        1 => (1_usize..300).prop_map(Fate::After),
    ];
    prop::collection::vec((len, fate), 1..40)
}

fn header() -> crate::wire::websocket::HeaderBytes {
    Header { fin: true, opcode: Opcode::Binary, mask: None, len: 70_000 }.encode()
}

/// A batch with these pieces, what leaves of it, and those bytes in a row.
fn laid_out(fates: &[(usize, Fate)]) -> (Batch, Cuts, Vec<u8>) {
    let (mut batch, mut cuts, mut expected) = (Batch::new(), Cuts::default(), Vec::new());
    let mut at = 0;
    for (number, (len, fate)) in fates.iter().enumerate() {
        if at + HEADER + len + TAIL > CHUNK {
            break;
        }
        let piece: Vec<u8> = (0..*len).map(|n| (n * 7 + number) as u8).collect();
        let start = at + HEADER;
        batch.bytes_mut()[start..start + len].copy_from_slice(&piece);
        batch.push_record(HEADER + len + TAIL, *len);
        at += HEADER + len + TAIL;
        let mut leave = |from: usize, to: usize, cuts: &mut Cuts| {
            cuts.range(start + from..start + to);
            expected.extend_from_slice(&piece[from..to]);
        };
        match fate {
            Fate::Whole => leave(0, *len, &mut cuts),
            Fate::Dropped => {}
            Fate::Trimmed(front, back) => {
                leave((*front).min(*len), len.saturating_sub(*back).max((*front).min(*len)), &mut cuts)
            }
            Fate::Split(at) => {
                leave(0, at % len, &mut cuts);
                cuts.header(header());
                expected.extend_from_slice(header().as_slice());
                let piece: Vec<u8> = piece[at % len..].to_vec();
                cuts.range(start + at % len..start + len);
                expected.extend_from_slice(&piece);
            }
            Fate::After(count) => {
                cuts.own(vec![0xAB; *count]);
                expected.extend(vec![0xAB; *count]);
                let piece: Vec<u8> = piece.clone();
                cuts.range(start..start + len);
                expected.extend_from_slice(&piece);
            }
        }
    }
    (batch, cuts, expected)
}

/// What the peer opens, and how large its records were.
fn opened(layer: &mut Layer, mut bytes: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut data, mut records) = (Vec::new(), Vec::new());
    while let Some(size) = size(bytes).unwrap() {
        let mut record = bytes[..size].to_vec();
        if let Opened::Data(len) = layer.open(&mut record).unwrap() {
            data.extend_from_slice(&record[HEADER..HEADER + len]);
            records.push(len);
        }
        bytes = &bytes[size..];
    }
    assert_eq!(bytes, b"");
    (data, records)
}

fn seal_all(layer: &mut Layer, batch: &mut Batch, cuts: &Cuts) -> (Range<usize>, Vec<u8>) {
    let mut spill = Vec::new();
    let sealed = seal(layer, batch.bytes_mut(), cuts.as_slice(), &mut spill).unwrap();
    (sealed, spill)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn w14_what_leaves_is_what_the_peer_opens(rounds in prop::collection::vec(fates(), 1..4)) {
        let (mut sealer, mut opener) = ends();
        for fates in rounds {
            let (mut batch, cuts, expected) = laid_out(&fates);
            let (sealed, spill) = seal_all(&mut sealer, &mut batch, &cuts);
            let bytes = [&batch.bytes()[sealed], &spill].concat();
            prop_assert!(opened(&mut opener, &bytes).0 == expected);
        }
    }
}

#[test]
fn large_pieces_leave_where_they_came_and_nothing_is_copied() {
    let (mut sealer, mut opener) = ends();
    let lens = [SMALL, MAX_PLAIN, MAX_PLAIN, 9_000];
    let (mut batch, cuts, expected) = laid_out(&lens.map(|len| (len, Fate::Whole)));
    let before: usize = lens.iter().map(|len| HEADER + len + TAIL).sum();
    let (sealed, spill) = seal_all(&mut sealer, &mut batch, &cuts);
    assert_eq!((sealed.clone(), spill.len()), (0..before, 0));
    let (data, records) = opened(&mut opener, &batch.bytes()[sealed]);
    assert_eq!((data == expected, records), (true, lens.to_vec()));
}

#[test]
fn small_pieces_share_records_and_no_record_is_overfull() {
    let (mut sealer, mut opener) = ends();
    let (mut batch, cuts, expected) = laid_out(&vec![(1_028, Fate::Whole); 62]);
    let (sealed, spill) = seal_all(&mut sealer, &mut batch, &cuts);
    assert_eq!(spill, b"");
    let (data, records) = opened(&mut opener, &batch.bytes()[sealed]);
    assert!(data == expected);
    assert_eq!(records, [15 * 1_028, 15 * 1_028, 15 * 1_028, 15 * 1_028, 2 * 1_028]);
}

#[test]
fn what_has_no_room_before_the_rest_leaves_in_its_order_all_the_same() {
    let (mut sealer, mut opener) = ends();
    let fates = [(MAX_PLAIN, Fate::After(12)), (MAX_PLAIN, Fate::Whole)];
    let (mut batch, cuts, expected) = laid_out(&fates);
    let (sealed, spill) = seal_all(&mut sealer, &mut batch, &cuts);
    assert!(sealed.is_empty());
    assert!(opened(&mut opener, &spill).0 == expected);

    // A ping between two small records has the room that one record less gives.
    let (mut batch, cuts, expected) = laid_out(&[(100, Fate::Whole), (100, Fate::After(12)), (100, Fate::Whole)]);
    let (sealed, spill) = seal_all(&mut sealer, &mut batch, &cuts);
    assert_eq!(spill, b"");
    assert!(opened(&mut opener, &batch.bytes()[sealed]).0 == expected);
}

#[test]
fn an_update_that_is_due_goes_first() {
    let (mut sealer, mut opener) = ends();
    // The peer asks.
    sealer.owe_update();
    let (mut batch, cuts, expected) = laid_out(&[(9_000, Fate::Whole), (20, Fate::Whole)]);
    let (sealed, spill) = seal_all(&mut sealer, &mut batch, &cuts);
    assert!(sealed.is_empty() && !sealer.is_due());
    assert!(opened(&mut opener, &spill).0 == expected);
    let (mut batch, cuts, expected) = laid_out(&[(9_000, Fate::Whole)]);
    let (sealed, spill) = seal_all(&mut sealer, &mut batch, &cuts);
    assert_eq!(spill, b"", "and then all is in place again");
    assert!(opened(&mut opener, &batch.bytes()[sealed]).0 == expected);
}
