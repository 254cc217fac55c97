//! TensorBoard event files, written without TensorFlow.
//!
//! A file is a sequence of records, each `length: u64, masked CRC of length: u32, data, masked CRC of data: u32`
//! (little endian; the TFRecord framing). The data of a record is an `Event` message of `event.proto`: the first
//! one names the file version, each later one holds the metrics of a step. Values are `f32`, as TensorBoard's
//! scalars are; `metrics.jsonl` has them in full. An unknown metric has no value in the step.
//!
//! The bytes follow from the metrics alone (even the times), so a file can be rebuilt at will from
//! `metrics.jsonl` and is then identical to one that was written step by step.

use crate::metrics::StepMetrics;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// The name of the event file inside `events/`; TensorBoard wants `tfevents` in it.
pub const FILE_NAME: &str = "events.out.tfevents.run";

/// The whole event file of a sequence of steps. It is empty if there are none.
#[must_use]
pub fn event_file(steps: &[StepMetrics]) -> Vec<u8> {
    let mut file = steps.first().map(|first| version_record(first.wall_time)).unwrap_or_default();
    file.extend(steps.iter().flat_map(step_record));
    file
}

/// The writing end of an event file.
#[derive(Debug)]
pub struct EventLog {
    file: File,
    empty: bool,
}

impl EventLog {
    /// Writes an event file anew from the metrics so far, and opens it for appending.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn rebuild(path: &Path, steps: &[StepMetrics]) -> io::Result<EventLog> {
        tracelift_files::write(path, event_file(steps))?;
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(EventLog { file, empty: steps.is_empty() })
    }

    /// Writes one step. It need not be on disk on return: the file can be rebuilt.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, metrics: &StepMetrics) -> io::Result<()> {
        let mut records = if self.empty { version_record(metrics.wall_time) } else { Vec::new() };
        records.extend(step_record(metrics));
        self.file.write_all(&records)?;
        self.empty = false;
        Ok(())
    }
}

/// The first record of a file. Its time is that of the first step.
fn version_record(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    field_double(&mut event, 1, wall_time);
    field_bytes(&mut event, 3, b"brain.Event:2");
    framed(&event)
}

/// The record of a step.
fn step_record(metrics: &StepMetrics) -> Vec<u8> {
    let mut summary = Vec::new();
    for (name, value) in metrics.iter() {
        if let Some(value) = value {
            let mut entry = Vec::new();
            field_bytes(&mut entry, 1, name.as_bytes());
            field_float(&mut entry, 2, value as f32);
            field_bytes(&mut summary, 1, &entry);
        }
    }
    let mut event = Vec::new();
    field_double(&mut event, 1, metrics.wall_time);
    field_varint(&mut event, 2, metrics.step);
    field_bytes(&mut event, 5, &summary);
    framed(&event)
}

fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_crc(data).to_le_bytes());
    record
}

/// CRC-32C, rotated and shifted, so that a CRC over data that holds CRCs stays meaningful.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xA282_EAD8)
}

// Protocol buffer wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.

fn field_varint(message: &mut Vec<u8>, field: u64, value: u64) {
    varint(message, field << 3);
    varint(message, value);
}

fn field_double(message: &mut Vec<u8>, field: u64, value: f64) {
    varint(message, field << 3 | 1);
    message.extend(value.to_le_bytes());
}

fn field_bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(message, field << 3 | 2);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

fn field_float(message: &mut Vec<u8>, field: u64, value: f32) {
    varint(message, field << 3 | 5);
    message.extend(value.to_le_bytes());
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a record says, read by a reader that shares no code with the writer.
    #[derive(Debug, PartialEq)]
    struct Event {
        wall_time: f64,
        step: u64,
        version: Option<String>,
        scalars: Vec<(String, f32)>,
    }

    enum Field<'a> {
        Varint(u64),
        Fixed(&'a [u8]),
        Bytes(&'a [u8]),
    }

    fn read_varint(data: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = data[0];
            *data = &data[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    fn fields(mut data: &[u8]) -> Vec<(u64, Field<'_>)> {
        let mut fields = Vec::new();
        while !data.is_empty() {
            let key = read_varint(&mut data);
            let field = match key & 7 {
                0 => Field::Varint(read_varint(&mut data)),
                wire => {
                    let length = match wire {
                        1 => 8,
                        5 => 4,
                        2 => read_varint(&mut data) as usize,
                        other => panic!("wire type {other}"),
                    };
                    let (bytes, rest) = data.split_at(length);
                    data = rest;
                    if wire == 2 { Field::Bytes(bytes) } else { Field::Fixed(bytes) }
                }
            };
            fields.push((key >> 3, field));
        }
        fields
    }

    /// CRC-32C bit by bit, from its polynomial.
    fn slow_masked_crc(data: &[u8]) -> u32 {
        let mut crc = !0u32;
        for byte in data {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
            }
        }
        let crc = !crc;
        crc.rotate_right(15).wrapping_add(0xa282_ead8)
    }

    fn read(mut file: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        while !file.is_empty() {
            let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
            assert_eq!(file[8..12], slow_masked_crc(&file[..8]).to_le_bytes());
            let data = &file[12..12 + length];
            assert_eq!(file[12 + length..16 + length], slow_masked_crc(data).to_le_bytes());
            file = &file[16 + length..];

            let mut event = Event { wall_time: f64::NAN, step: 0, version: None, scalars: vec![] };
            for field in fields(data) {
                match field {
                    (1, Field::Fixed(v)) => event.wall_time = f64::from_le_bytes(v.try_into().unwrap()),
                    (2, Field::Varint(v)) => event.step = v,
                    (3, Field::Bytes(v)) => event.version = Some(String::from_utf8(v.to_vec()).unwrap()),
                    (5, Field::Bytes(summary)) => {
                        for (number, value) in fields(summary) {
                            let (1, Field::Bytes(value)) = (number, value) else { panic!("not a value") };
                            let [(1, Field::Bytes(tag)), (2, Field::Fixed(v))] = fields(value)[..] else {
                                panic!("not a scalar")
                            };
                            let tag = String::from_utf8(tag.to_vec()).unwrap();
                            event.scalars.push((tag, f32::from_le_bytes(v.try_into().unwrap())));
                        }
                    }
                    (other, _) => panic!("field {other}"),
                }
            }
            events.push(event);
        }
        events
    }

    #[test]
    fn an_independent_reader_gets_everything_back() {
        let mut first = StepMetrics::at(1, 1_700_000_000.25);
        first.set("reward/mean", 0.5).set("uplift/u", None);
        let mut late = StepMetrics::at(1 << 40, 1_700_000_001.0);
        late.set("x".repeat(300), -1.5e-9);
        assert_eq!(
            read(&event_file(&[first, late])),
            [
                Event {
                    wall_time: 1_700_000_000.25,
                    step: 0,
                    version: Some("brain.Event:2".into()),
                    scalars: vec![]
                },
                Event {
                    wall_time: 1_700_000_000.25,
                    step: 1,
                    version: None,
                    scalars: vec![("reward/mean".into(), 0.5)]
                },
                Event {
                    wall_time: 1_700_000_001.0,
                    step: 1 << 40,
                    version: None,
                    scalars: vec![("x".repeat(300), -1.5e-9)]
                },
            ]
        );
        assert!(event_file(&[]).is_empty());
    }

    #[test]
    fn step_by_step_or_at_once_gives_the_same_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        let steps: Vec<StepMetrics> = (1..5)
            .map(|step| {
                let mut metrics = StepMetrics::at(step, step as f64 + 0.5);
                metrics.set("a", 1.0 / step as f64).set("b", None);
                metrics
            })
            .collect();
        for resumed_after in 0..steps.len() {
            let mut log = EventLog::rebuild(&path, &steps[..resumed_after]).unwrap();
            for metrics in &steps[resumed_after..] {
                log.append(metrics).unwrap();
            }
            assert_eq!(std::fs::read(&path).unwrap(), event_file(&steps));
        }
    }

    #[test]
    fn the_first_bytes_are_those_of_every_event_file() {
        let record = version_record(0.0);
        // 24 bytes of data: a double field (9) and a string field of 13 letters (15).
        assert_eq!(record[..8], [24, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(record[8..12], [0xA3, 0x7F, 0x4B, 0x22]);
        assert_eq!(&record[12..23], b"\x09\0\0\0\0\0\0\0\0\x1a\x0d");
        assert_eq!(&record[23..36], b"brain.Event:2");
    }
}
