use super::*;
use crate::{WorldGroupConfig, world_groups, write_groups};
use ::parquet::file::{reader::FileReader, serialized_reader::SerializedFileReader};
use serde_json::Value;
use std::fs;
use tracelift_domain::Seed;
use tracelift_worlds::{Split, World, WorldName};

fn file(folder: &Path) -> (PathBuf, Vec<Group>) {
    let world = World::new(WorldName::Words);
    let groups: Vec<Group> =
        world_groups(&world, &WorldGroupConfig::default(), Seed(1), Split::Train, 0..12).unwrap().collect();
    let path = folder.join("groups.jsonl");
    write_groups(&path, groups.clone()).unwrap();
    (path, groups)
}

#[test]
fn pairs_hold_every_flawed_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (path, groups) = file(folder.path());
    let wanted: usize = groups.iter().map(|group| group.negative_bank.len()).sum();
    for (shape, keys) in [
        (Shape::TrlPreference, ["prompt", "chosen", "rejected", "margin"].as_slice()),
        (
            Shape::Rewardbench,
            &["prompt", "chosen", "chosen_model", "rejected", "rejected_model", "subset", "id"],
        ),
    ] {
        let out = folder.path().join("deep/out.jsonl");
        assert_eq!(export(&path, shape, &out).unwrap(), wanted as u64);
        let text = fs::read_to_string(&out).unwrap();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            assert!(keys.iter().all(|key| row.get(key).is_some()), "{row}");
            assert!(row.get("margin").is_none_or(|margin| margin.as_f64().unwrap() > 0.0));
        }
    }
}

#[test]
fn parquet_rows_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, groups) = file(folder.path());
    let out = folder.path().join("train.parquet");
    assert_eq!(export(&path, Shape::VerlParquet, &out).unwrap(), groups.len() as u64);
    let reader = SerializedFileReader::new(fs::File::open(&out).unwrap()).unwrap();
    let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap().to_string();
    assert!(row.contains("role: \"user\"") && row.contains("style: \"rule\""), "{row}");

    let out = folder.path().join("hub");
    assert_eq!(export(&path, Shape::Hf, &out).unwrap(), groups.len() as u64);
    let shard = out.join("data/train-00000-of-00001.parquet");
    let reader = SerializedFileReader::new(fs::File::open(shard).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), groups.len() as i64);
    let card = fs::read_to_string(out.join("README.md")).unwrap();
    assert!(card.starts_with("---\nlanguage:") && card.contains("## Known limits"), "{card}");
}
