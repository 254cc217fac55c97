//! The frames that a sandbox worker sends, cut in pieces at any place: no panic, and pieces do not matter.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_sandbox::protocol::{Decoder, Incoming};

fn decode(pieces: &[&[u8]]) -> (Vec<Incoming>, bool) {
    let (mut decoder, mut frames) = (Decoder::default(), Vec::new());
    for piece in pieces {
        decoder.feed(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let pieces: Vec<&[u8]> = stream.chunks(usize::from(size).max(1)).collect();
    let (whole, broken) = decode(&[stream]);
    assert_eq!(decode(&pieces), (whole, broken), "pieces change what is read");
});
