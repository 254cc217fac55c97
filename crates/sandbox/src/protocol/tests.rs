use super::*;
use proptest::prelude::*;

fn bytes(kind: u8, body: &[u8]) -> Vec<u8> {
    frame(kind, body)
}

fn reply_body(number: u64, end: u8, detail: i32, message: &[u8]) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.push(end);
    body.extend(detail.to_le_bytes());
    for word in [1_500_u64, 2_000, 4096] {
        body.extend(word.to_le_bytes());
    }
    body.extend(u32::MAX.to_le_bytes());
    body.extend(message);
    body
}

fn all(decoder: &mut Decoder) -> Result<Vec<Incoming>, Fault> {
    let mut frames = Vec::new();
    while let Some(frame) = decoder.next_frame()? {
        frames.push(frame);
    }
    Ok(frames)
}

#[test]
fn replies_come_out_as_they_went_in() {
    let mut decoder = Decoder::default();
    decoder.feed(&bytes(b'R', &reply_body(7, 1, 9, b"")));
    let expected = Reply {
        number: 7,
        end: End::Signalled(9),
        cpu: Duration::from_micros(1500),
        wall: Duration::from_micros(2000),
        peak_memory: 4096,
        candidate_status: None,
    };
    assert_eq!(decoder.next_frame().unwrap(), Some(Incoming::Reply(expected)));
    assert_eq!(decoder.next_frame().unwrap(), None);
}

#[test]
fn faults_carry_their_message_and_nothing_else_does() {
    let mut decoder = Decoder::default();
    decoder.feed(&bytes(b'R', &reply_body(7, 6, 0, b"no \xff mounts")));
    let Some(Incoming::Reply(reply)) = decoder.next_frame().unwrap() else { panic!("no reply") };
    assert_eq!(reply.end, End::Fault("no \u{fffd} mounts".into()));
    decoder.feed(&bytes(b'R', &reply_body(7, 0, 0, b"more")));
    assert!(decoder.next_frame().is_err());
}

#[test]
fn what_no_zygote_says_is_an_error() {
    for broken in [
        vec![0, 0, 0, 0],
        (LONGEST_FRAME as u32 + 1).to_le_bytes().to_vec(),
        bytes(b'?', b""),
        bytes(b'H', b"{}"),
        bytes(b'X', b"[]"),
        bytes(b'R', b"short"),
        bytes(b'R', &reply_body(1, 7, 0, b"")),
    ] {
        let mut decoder = Decoder::default();
        decoder.feed(&broken);
        assert!(decoder.next_frame().is_err(), "{broken:?}");
    }
}

#[test]
fn limits_beyond_all_measure_are_bounded() {
    let limits = Limits { cpu: Duration::MAX, memory_bytes: u64::MAX, open_files: 0, ..Limits::default() };
    let frame = job(JobKind::Script, 1, &limits);
    let words: Vec<u64> =
        frame[5..].chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
    assert_eq!(words.len(), 8);
    assert!(words.iter().all(|&word| word <= 1 << 50));
    assert_eq!(words[6], 16);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        numbers in prop::collection::vec((any::<u64>(), 0_u8..6, any::<i32>()), 0..6),
        cuts in prop::collection::vec(0_usize..400, 0..10),
    ) {
        let stream: Vec<u8> =
            numbers.iter().flat_map(|&(n, end, detail)| bytes(b'R', &reply_body(n, end, detail, b""))).collect();
        let mut whole = Decoder::default();
        whole.feed(&stream);
        let expected = all(&mut whole).unwrap();
        prop_assert_eq!(expected.len(), numbers.len());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut pieces = Decoder::default();
        let mut found = Vec::new();
        for pair in cuts.windows(2) {
            pieces.feed(&stream[pair[0]..pair[1]]);
            found.extend(all(&mut pieces).unwrap());
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn nothing_panics(stream in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut decoder = Decoder::default();
        decoder.feed(&stream);
        let _ = all(&mut decoder);
    }
}
