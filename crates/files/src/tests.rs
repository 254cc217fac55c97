//! Devices and FIFOs here are the tests' own, never those of the machine: as root, a fault would replace them for everybody.

use crate::{
    Draft, FolderDraft, Kind, TEMPORARY, WriteError, WriteFault, kind, make_folder, place, remove_leftovers,
    write,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{
    fs::{self, File},
    io::{self, Read, Seek, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    process::Command,
    thread,
};
use tempfile::TempDir;
use tracelift_testing::skipped;

fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What is in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

/// A device node of the test's own: 3 swallows everything, 7 is always full. `None`, said, where that takes more rights.
fn device(path: &Path, minor: u32) -> Option<()> {
    let made = mknodat(
        CWD,
        path,
        FileType::CharacterDevice,
        Mode::from_raw_mode(0o600),
        rustix::fs::makedev(1, minor),
    );
    if let Err(error) = made {
        skipped(format_args!("making a device node takes root ({error})"));
        return None;
    }
    if let Err(error) = File::options().write(true).open(path) {
        skipped(format_args!("device nodes cannot be opened in the temporary folder ({error})"));
        return None;
    }
    Some(())
}

/// A file system of the test's own, while it lives.
struct Mount(TempDir);

impl Mount {
    fn tmpfs(options: &str) -> Option<Mount> {
        let folder = scratch();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            skipped("mounting a file system takes root");
            return None;
        }
        Some(Mount(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Runs a check as somebody without rights of his own, on a thread that alone changes who it is.
fn as_nobody(check: impl FnOnce() + Send + 'static) {
    let change = || {
        use rustix::thread::{set_thread_res_gid, set_thread_res_uid};
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let (user, group) = (rustix::fs::Uid::from_raw(65_534), rustix::fs::Gid::from_raw(65_534));
        set_thread_res_gid(group, group, group).unwrap();
        set_thread_res_uid(user, user, user).unwrap();
    };
    let result = thread::spawn(move || {
        change();
        check();
    })
    .join();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_new_file_has_the_mode_that_open_gives() {
    let dir = scratch();
    let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
    write(&ours, b"text").unwrap();
    fs::write(&theirs, b"text").unwrap();
    assert_eq!(mode(&ours), mode(&theirs));
    assert_eq!(fs::read(&ours).unwrap(), b"text");
    assert_eq!(names(dir.path()), ["ours", "theirs"]);
}

#[test]
fn a_replaced_file_keeps_its_mode_and_is_another_file() {
    let dir = scratch();
    let path = dir.path().join("file");
    for old in [0o600, 0o640, 0o755, 0o666] {
        fs::write(&path, b"old").unwrap();
        set_mode(&path, old);
        let reader = File::open(&path).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (old, b"new".to_vec()));
        let text = io::read_to_string(reader).unwrap();
        assert_eq!(text, "old", "who read the old file goes on reading it");
    }
    assert_eq!(names(dir.path()), ["file"]);
}

#[test]
fn a_replaced_file_stays_its_owners() {
    if !rustix::process::geteuid().is_root() {
        skipped("giving files away takes root");
        return;
    }
    let dir = scratch();
    let path = dir.path().join("file");
    fs::write(&path, b"old").unwrap();
    std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
    set_mode(&path, 0o640);
    write(&path, b"new").unwrap();
    let now = fs::metadata(&path).unwrap();
    assert_eq!((now.uid(), now.gid(), now.mode() & 0o777), (1234, 4321, 0o640));
}

#[test]
fn a_draft_that_is_dropped_leaves_what_was_there() {
    let dir = scratch();
    let path = dir.path().join("file");
    fs::write(&path, b"old").unwrap();
    for begin in [|path: &Path| Draft::begin(path), Draft::begin_with_a_name] {
        let mut draft = begin(&path).unwrap();
        draft.write_all(&[b'x'; 1 << 20]).unwrap();
        assert_eq!(draft.path(), path);
        drop(draft);
        assert_eq!((fs::read(&path).unwrap(), names(dir.path())), (b"old".to_vec(), vec!["file".to_owned()]));
    }
}

#[test]
fn a_draft_with_a_name_ends_as_one_without() {
    let dir = scratch();
    for (file, old) in [("new", None), ("old", Some(0o604))] {
        let path = dir.path().join(file);
        if let Some(old) = old {
            fs::write(&path, b"old").unwrap();
            set_mode(&path, old);
        }
        let mut draft = Draft::begin_with_a_name(&path).unwrap();
        draft.write_all(b"text").unwrap();
        let beside = names(dir.path()).into_iter().filter(|name| name.starts_with(TEMPORARY)).count();
        assert_eq!(beside, 1);
        draft.finish().unwrap();
        fs::write(dir.path().join("like"), b"").unwrap();
        assert_eq!(mode(&path), old.unwrap_or_else(|| mode(&dir.path().join("like"))));
        assert_eq!(fs::read(&path).unwrap(), b"text");
    }
    assert_eq!(names(dir.path()), ["like", "new", "old"]);
}

/// Where the system knows files without names, as Linux does on the file systems that are usual there.
#[test]
#[cfg(target_os = "linux")]
fn nothing_lies_in_the_folder_while_a_draft_is_written() {
    let dir = scratch();
    let mut draft = Draft::begin(dir.path().join("file")).unwrap();
    draft.write_all(&[0; 1 << 20]).unwrap();
    if names(dir.path()).is_empty() {
        draft.finish().unwrap();
        assert_eq!(names(dir.path()), ["file"]);
    } else {
        skipped("the temporary folder's file system has no files without names");
    }
}

#[test]
fn links_are_followed_and_stay() {
    let dir = scratch();
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(folder.join("real"), b"old").unwrap();
    set_mode(&folder.join("real"), 0o600);
    symlink("folder/real", at("relative")).unwrap();
    symlink(folder.join("real"), at("absolute")).unwrap();
    symlink("relative", at("second")).unwrap();
    symlink("second", at("third")).unwrap();
    symlink("folder/../folder/made", at("dangling")).unwrap();
    symlink("dangling", at("to dangling")).unwrap();
    symlink("folder", at("to folder")).unwrap();
    for link in ["relative", "absolute", "second", "third"] {
        write(at(link), link).unwrap();
        assert_eq!(fs::read_to_string(folder.join("real")).unwrap(), link);
        assert!(at(link).is_symlink());
    }
    assert_eq!(mode(&folder.join("real")), 0o600);
    for link in ["to dangling", "dangling"] {
        write(at(link), link).unwrap();
        assert_eq!(fs::read_to_string(folder.join("made")).unwrap(), link);
        assert!(at("dangling").is_symlink() && at("to dangling").is_symlink());
    }
    write(at("to folder/made"), "through the folder").unwrap();
    assert_eq!(fs::read_to_string(folder.join("made")).unwrap(), "through the folder");
    assert_eq!(names(&folder), ["made", "real"]);
}

#[test]
fn links_that_lead_nowhere_are_named() {
    let dir = scratch();
    let at = |name: &str| dir.path().join(name);
    symlink("round", at("round")).unwrap();
    symlink("ping", at("pong")).unwrap();
    symlink("pong", at("ping")).unwrap();
    symlink("missing/file", at("lost")).unwrap();
    symlink("..", at("up")).unwrap();
    for link in ["round", "ping"] {
        let error = write(at(link), b"").unwrap_err();
        assert!(matches!(error.fault, WriteFault::Links), "{error}");
        assert!(error.to_string().contains(&at(link).display().to_string()));
    }
    let error = write(at("lost"), b"").unwrap_err();
    assert!(matches!(&error.fault, WriteFault::NoFolder(folder) if folder.ends_with("missing")), "{error}");
    assert!(matches!(write(at("up"), b"").unwrap_err().fault, WriteFault::IsFolder));
    assert_eq!(names(dir.path()), ["lost", "ping", "pong", "round", "up"]);
}

#[test]
fn a_chain_as_long_as_the_system_follows_is_followed() {
    let dir = scratch();
    let at = |i: usize| dir.path().join(format!("{i:02}"));
    for i in 0..40 {
        symlink(at(i + 1), at(i)).unwrap();
    }
    write(at(0), b"far").unwrap();
    assert_eq!(fs::read(at(40)).unwrap(), b"far");
    fs::remove_file(at(40)).unwrap();
    symlink(at(41), at(40)).unwrap();
    assert!(matches!(write(at(0), b"farther").unwrap_err().fault, WriteFault::Links));
    assert!(!at(41).exists());
}

#[test]
fn a_fifo_is_written_into() {
    let dir = scratch();
    let (path, link) = (dir.path().join("fifo"), dir.path().join("link"));
    fifo(&path);
    symlink("fifo", &link).unwrap();
    for place in [&path, &link] {
        assert_eq!(kind(place).unwrap(), Kind::Stream);
        let from = path.clone();
        let reader = thread::spawn(move || fs::read(from).unwrap());
        write(place, vec![7; 200_000]).unwrap();
        assert_eq!(reader.join().unwrap(), vec![7; 200_000]);
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
        assert!(link.is_symlink());
    }
    assert_eq!(names(dir.path()), ["fifo", "link"]);
}

#[test]
fn what_is_flushed_has_arrived() {
    let dir = scratch();
    let path = dir.path().join("fifo");
    fifo(&path);
    let from = path.clone();
    let (sender, received) = std::sync::mpsc::channel();
    let reader = thread::spawn(move || {
        let mut file = File::open(from).unwrap();
        let mut bytes = [0; 4];
        file.read_exact(&mut bytes).unwrap();
        sender.send(bytes).unwrap();
        io::read_to_string(file).unwrap()
    });
    let mut draft = Draft::begin(&path).unwrap();
    draft.write_all(b"line").unwrap();
    draft.flush().unwrap();
    assert_eq!(&received.recv().unwrap(), b"line");
    draft.write_all(b" and rest").unwrap();
    draft.finish().unwrap();
    assert_eq!(reader.join().unwrap(), " and rest");
}

#[test]
fn a_reader_that_leaves_is_an_error_that_names_the_fifo() {
    let dir = scratch();
    let path = dir.path().join("fifo");
    fifo(&path);
    let from = path.clone();
    let reader = thread::spawn(move || drop(File::open(from).unwrap()));
    let mut draft = Draft::begin(&path).unwrap();
    reader.join().unwrap();
    let error = draft.write_all(&[0; 1 << 20]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let error = draft.failed(error);
    assert!(matches!(error.fault, WriteFault::ReaderLeft(_)));
    let expected =
        format!("cannot write {}: whoever read it has left (Broken pipe (os error 32))", path.display());
    assert_eq!(error.to_string(), expected);
    drop(draft);
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
}

#[test]
fn a_device_is_written_into() {
    let dir = scratch();
    let path = dir.path().join("null");
    if device(&path, 3).is_none() {
        return;
    }
    symlink("null", dir.path().join("link")).unwrap();
    for place in [path.clone(), dir.path().join("link")] {
        write(&place, vec![1; 1 << 20]).unwrap();
        let mut draft = Draft::begin(&place).unwrap();
        draft.write_all(b"more").unwrap();
        draft.finish().unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().file_type().is_char_device());
    }
    assert_eq!((names(dir.path()), mode(&path)), (vec!["link".to_owned(), "null".to_owned()], 0o600));
}

#[test]
fn a_full_device_is_named() {
    let dir = scratch();
    let path = dir.path().join("full");
    if device(&path, 7).is_none() {
        return;
    }
    let error = write(&path, b"text").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(
        error.to_string(),
        format!("cannot write {}: No space left on device (os error 28)", path.display())
    );
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_char_device());
}

#[test]
fn a_full_disk_leaves_what_was_there_and_names_the_file() {
    let Some(disk) = Mount::tmpfs("size=256k") else { return };
    let path = disk.path().join("file");
    fs::write(&path, b"old").unwrap();
    let new = disk.path().join("new");
    for place in [&path, &new] {
        let error = write(place, vec![1; 1 << 20]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains(&place.display().to_string()), "{error}");
        // As others pass it on.
        let mut draft = Draft::begin_with_a_name(place).unwrap();
        let error = io::copy(&mut io::repeat(1).take(1 << 20), &mut draft).unwrap_err();
        assert!(error.to_string().contains(&place.display().to_string()), "{error}");
        drop(draft);
    }
    assert_eq!((fs::read(&path).unwrap(), names(disk.path())), (b"old".to_vec(), vec!["file".to_owned()]));
    // The space is free again.
    write(&new, vec![1; 100_000]).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn an_open_descriptor_is_written_into_where_it_stands() {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let path = PathBuf::from(format!("/dev/fd/{}", writer.as_raw_fd()));
    assert_eq!(kind(&path).unwrap(), Kind::Stream);
    write(&path, b"through a pipe").unwrap();
    drop(writer);
    assert_eq!(io::read_to_string(File::from(reader)).unwrap(), "through a pipe");

    // As a shell's `> file` is: the name in `/proc` is that of a file, which must not be replaced under the shell.
    let dir = scratch();
    let place = dir.path().join("redirected");
    let mut open = File::options().read(true).write(true).create_new(true).open(&place).unwrap();
    open.write_all(b"before, ").unwrap();
    symlink(format!("/proc/self/fd/{}", open.as_raw_fd()), dir.path().join("stdout")).unwrap();
    for path in [
        format!("/proc/thread-self/fd/{}", open.as_raw_fd()),
        dir.path().join("stdout").display().to_string(),
    ] {
        write(path, b"in between, ").unwrap();
    }
    open.write_all(b"after").unwrap();
    open.rewind().unwrap();
    assert_eq!(io::read_to_string(open).unwrap(), "before, in between, in between, after");
    assert_eq!(names(dir.path()), ["redirected", "stdout"]);

    let error = write("/dev/fd/1000000", b"").unwrap_err();
    assert!(error.to_string().starts_with("cannot write /dev/fd/1000000: "), "{error}");
}

#[test]
fn a_folder_a_missing_folder_and_a_file_as_a_folder_are_named() {
    let dir = scratch();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("file"), b"old").unwrap();
    let shown = |path: PathBuf| {
        let error = write(&path, b"new").unwrap_err();
        error.to_string().replace(&dir.path().display().to_string(), "DIR")
    };
    assert_eq!(shown(dir.path().to_owned()), "cannot write DIR: it is a folder; name a file");
    assert_eq!(shown(at("new/")), "cannot write DIR/new/: it is a folder; name a file");
    assert_eq!(
        shown(at("missing/new")),
        "cannot write DIR/missing/new: the folder DIR/missing does not exist"
    );
    assert_eq!(shown(at("file/new")), "cannot write DIR/file/new: DIR/file is not a folder");
    assert!(write("", b"").is_err() && write("/", b"").is_err() && write("..", b"").is_err());
    assert_eq!(
        (names(dir.path()), fs::read(at("file")).unwrap()),
        (vec!["file".to_owned()], b"old".to_vec())
    );
}

#[test]
fn what_may_not_be_written_is_left_alone() {
    let dir = scratch();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("locked")).unwrap();
    fs::write(at("read only"), b"old").unwrap();
    set_mode(&at("locked"), 0o555);
    set_mode(&at("read only"), 0o444);
    set_mode(dir.path(), 0o777);
    let (locked, read_only) = (at("locked"), at("read only"));
    as_nobody(move || {
        let error = write(locked.join("new"), b"").unwrap_err();
        assert!(matches!(&error.fault, WriteFault::Folder { folder, .. } if *folder == locked), "{error}");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let error = write(&read_only, b"new").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    });
    assert_eq!(fs::read(at("read only")).unwrap(), b"old");
    assert_eq!(names(dir.path()), ["locked", "read only"]);
}

#[test]
fn a_file_system_that_is_read_only_is_named() {
    let Some(disk) = Mount::tmpfs("ro") else { return };
    let error = write(disk.path().join("file"), b"").unwrap_err();
    assert!(matches!(&error.fault, WriteFault::Folder { .. }), "{error}");
    assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
}

#[test]
fn what_appears_meanwhile_and_is_no_file_is_not_replaced() {
    let dir = scratch();
    let path = dir.path().join("file");
    let mut draft = Draft::begin(&path).unwrap();
    draft.write_all(b"text").unwrap();
    fifo(&path);
    assert_eq!(draft.finish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
    assert_eq!(names(dir.path()), ["file"]);
}

#[test]
fn of_those_who_write_at_once_one_wins_whole() {
    let dir = scratch();
    let path = dir.path().join("file");
    thread::scope(|scope| {
        for writer in 0..8_u8 {
            let path = &path;
            scope.spawn(move || (0..8).for_each(|_| write(path, vec![writer; 300_000]).unwrap()));
        }
    });
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.len() == 300_000 && bytes.iter().all(|byte| *byte == bytes[0]));
    assert_eq!(names(dir.path()), ["file"]);
}

#[test]
fn a_finished_file_is_moved_to_where_a_path_leads() {
    let dir = scratch();
    let at = |name: &str| dir.path().join(name);
    let finished = || fs::write(at("finished"), b"text").unwrap();
    finished();
    place(&at("finished"), &at("plain")).unwrap();

    fs::write(at("real"), b"old").unwrap();
    set_mode(&at("real"), 0o600);
    symlink("real", at("link")).unwrap();
    finished();
    place(&at("finished"), &at("link")).unwrap();
    assert_eq!((mode(&at("real")), fs::read(at("real")).unwrap()), (0o600, b"text".to_vec()));

    fifo(&at("fifo"));
    finished();
    let from = at("fifo");
    let reader = thread::spawn(move || fs::read(from).unwrap());
    place(&at("finished"), &at("fifo")).unwrap();
    assert_eq!(reader.join().unwrap(), b"text");
    assert_eq!(names(dir.path()), ["fifo", "link", "plain", "real"]);

    finished();
    assert!(place(&at("finished"), dir.path()).is_err());
    assert!(at("finished").exists());

    let Some(disk) = Mount::tmpfs("size=256k") else { return };
    place(&at("finished"), &disk.path().join("elsewhere")).unwrap();
    assert_eq!(fs::read(disk.path().join("elsewhere")).unwrap(), b"text");
    assert!(!at("finished").exists());
}

#[test]
fn a_folder_is_replaced_with_all_that_is_in_it() {
    let dir = scratch();
    let path = dir.path().join("best");
    for (content, before) in [("first", None), ("second", Some("first")), ("third", Some("second"))] {
        let draft = FolderDraft::replacing(&path).unwrap();
        fs::write(draft.path().join(content), content).unwrap();
        assert_eq!(path.exists().then(|| names(&path)), before.map(|before| vec![before.to_owned()]));
        draft.finish().unwrap();
        assert_eq!(names(&path), [content]);
        assert_eq!(names(dir.path()), ["best"], "what it replaced is still there");
    }
    drop(FolderDraft::replacing(&path).unwrap());
    assert_eq!((names(&path), names(dir.path())), (vec!["third".to_owned()], vec!["best".to_owned()]));

    let file = dir.path().join("file");
    fs::write(&file, b"mine").unwrap();
    assert!(matches!(FolderDraft::replacing(&file).unwrap_err().fault, WriteFault::Exists));
}

#[test]
fn folders_change_places_by_turns_where_the_system_cannot_exchange_them() {
    let dir = scratch();
    let [new, old] = ["new", "old"].map(|name| dir.path().join(name));
    for (folder, content) in [(&new, "a"), (&old, "b")] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join(content), b"").unwrap();
    }
    crate::folder::exchange_by_turns(&new, &old).unwrap();
    assert_eq!([names(&new), names(&old)], [["b"], ["a"]]);
    assert_eq!(names(dir.path()), ["new", "old"]);
}

#[test]
fn a_folder_appears_with_all_that_is_in_it() {
    let dir = scratch();
    let path = dir.path().join("folder");
    let draft = FolderDraft::begin(&path).unwrap();
    fs::create_dir(draft.path().join("inner")).unwrap();
    fs::write(draft.path().join("inner/file"), b"text").unwrap();
    assert!(!path.exists());
    draft.finish().unwrap();
    fs::create_dir(dir.path().join("like")).unwrap();
    assert_eq!(mode(&path), mode(&dir.path().join("like")));
    assert_eq!(fs::read(path.join("inner/file")).unwrap(), b"text");
    assert_eq!(names(dir.path()), ["folder", "like"]);

    assert!(matches!(FolderDraft::begin(&path).unwrap_err().fault, WriteFault::Exists));
    let other = dir.path().join("other");
    drop(FolderDraft::begin(&other).unwrap());
    let draft = FolderDraft::begin(&other).unwrap();
    symlink("nowhere", &other).unwrap();
    assert!(matches!(draft.finish().unwrap_err().fault, WriteFault::Exists));
    assert!(other.is_symlink());
    assert_eq!(names(dir.path()), ["folder", "like", "other"]);
}

#[test]
fn what_a_crash_left_is_removed_and_nothing_else() {
    let dir = scratch();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at(".tmp-abc/inner")).unwrap();
    fs::write(at(".tmp-def"), b"").unwrap();
    fs::write(at("kept"), b"").unwrap();
    symlink(at("kept"), at(".tmp-link")).unwrap();
    remove_leftovers(dir.path()).unwrap();
    assert_eq!(names(dir.path()), ["kept"]);
}

#[test]
fn folders_are_made_and_what_stands_in_the_way_is_named() {
    let dir = scratch();
    let inner = dir.path().join("a/b/c");
    make_folder(&inner).unwrap();
    make_folder(&inner).unwrap();
    fs::write(dir.path().join("file"), b"").unwrap();
    for path in ["file", "file/a/b"] {
        let error: WriteError = make_folder(dir.path().join(path)).unwrap_err();
        assert!(error.to_string().ends_with("/file is not a folder"), "{error}");
    }
}
