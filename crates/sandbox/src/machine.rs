//! What a machine lacks that no worker can do without, and what to do about it: said before a worker fails of it.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::Path,
};

/// The devices that programs find, with their numbers.
const DEVICES: [(&str, u32, u32); 5] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
];

/// What is wrong with the machine's devices and its `/proc`, each with the next step.
pub(crate) fn defects() -> Vec<String> {
    let mut found: Vec<String> =
        DEVICES.iter().filter_map(|&(path, major, minor)| device(Path::new(path), major, minor)).collect();
    if fs::metadata("/proc/self/stat").is_err() {
        found.push("/proc is not mounted: `mount -t proc proc /proc`".into());
    }
    found
}

fn device(path: &Path, major: u32, minor: u32) -> Option<String> {
    let shown = path.display();
    let make = format!("`mknod -m 666 {shown} c {major} {minor}`");
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Some(format!("{shown} is missing: {make} as root makes it"))
        }
        Err(error) => Some(format!("{shown} cannot be looked at: {error}")),
        Ok(metadata) if !metadata.file_type().is_char_device() => Some(format!(
            "{shown} is not a device but {}, put there by some program that renamed over it: `rm {shown} && \
             mknod -m 666 {shown} c {major} {minor}` as root makes it anew",
            if metadata.is_dir() { "a folder" } else { "a file" }
        )),
        Ok(metadata) => {
            let number = (rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
            (number != (major, minor)).then(|| {
                format!(
                    "{shown} is another device ({}, {}) than it should be ({major}, {minor}): `rm {shown} && \
                     mknod -m 666 {shown} c {major} {minor}` as root makes it anew",
                    number.0, number.1
                )
            })
        }
    }
}

/// What a person can do about a level's reason, as far as the machine's settings tell.
pub(crate) fn advice(reason: &str) -> Option<String> {
    let setting = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    advise(reason, setting)
}

fn advise(reason: &str, setting: impl Fn(&str) -> Option<String>) -> Option<String> {
    let forbidden = reason.contains("EPERM") || reason.contains("EACCES") || reason.contains("ENOSPC");
    if reason.contains("landlock") {
        let listed = setting("/sys/kernel/security/lsm");
        return Some(match listed {
            Some(list) if !list.split(',').any(|module| module == "landlock") => {
                "the kernel runs without Landlock: add `landlock` to its `lsm=` parameter".into()
            }
            _ => "Landlock needs Linux 5.13 or later, built with it, and a container that lets its calls through".into(),
        });
    }
    if !(forbidden && (reason.contains("unshare") || reason.contains("mount") || reason.contains("uid_map")))
    {
        return None;
    }
    let is = |path: &str, value: &str| setting(path).as_deref() == Some(value);
    Some(if is("/proc/sys/user/max_user_namespaces", "0") {
        "user namespaces are switched off: `sysctl user.max_user_namespaces=10000` as root switches them on"
            .into()
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "user namespaces are for root only: `sysctl kernel.unprivileged_userns_clone=1` as root opens them"
            .into()
    } else if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor keeps programs from using user namespaces: \
         `sysctl kernel.apparmor_restrict_unprivileged_userns=0` as root lets them, or a profile with `userns,`"
            .into()
    } else if filtered(setting("/proc/self/status").as_deref()) {
        "a system call filter around this process forbids it, as container runtimes do by default: allow `unshare`, \
         `mount` and `pivot_root` in the container's seccomp profile, or go on at L2"
            .into()
    } else {
        "the kernel forbids it here: run as a user who may make namespaces, or go on at L2".into()
    })
}

/// Whether a filter of somebody else's is on this process.
fn filtered(status: Option<&str>) -> bool {
    status
        .into_iter()
        .flat_map(str::lines)
        .any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "2"))
}

/// Whether what lies in a folder lies in memory.
pub(crate) fn in_memory(folder: &Path) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    rustix::fs::statfs(folder).is_ok_and(|found| [TMPFS, RAMFS].contains(&(found.f_type as u64)))
}

/// Whether the machine writes memory to a disk.
pub(crate) fn swaps() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_a_file_is_named_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("null");
        assert!(device(&path, 1, 3).unwrap().contains("is missing: `mknod -m 666"));
        fs::write(&path, "").unwrap();
        let said = device(&path, 1, 3).unwrap();
        assert!(said.contains("null is not a device but a file") && said.contains("c 1 3`"), "{said}");
        assert_eq!(device(Path::new("/dev/null"), 1, 3), None);
        assert!(device(Path::new("/dev/null"), 1, 5).unwrap().contains("another device (1, 3)"));
    }

    #[test]
    fn advice_follows_the_settings() {
        let none = |_: &str| None;
        assert_eq!(advise("bind: ENOENT", none), None);
        let switched_off = |path: &str| path.ends_with("max_user_namespaces").then(|| "0".to_owned());
        assert!(advise("unshare(user): ENOSPC", switched_off).unwrap().contains("user.max_user_namespaces"));
        let apparmor = |path: &str| path.contains("apparmor").then(|| "1".to_owned());
        assert!(advise("mount / on None: EACCES", apparmor).unwrap().contains("AppArmor"));
        let container =
            |path: &str| path.ends_with("self/status").then(|| "Name:\tx\nSeccomp:\t2\n".to_owned());
        assert!(advise("unshare(user): EPERM", container).unwrap().contains("container"));
        assert!(advise("unshare(user): EPERM", none).unwrap().contains("go on at L2"));
        let modules = |path: &str| path.ends_with("lsm").then(|| "capability,yama".to_owned());
        assert!(advise("landlock is not available", modules).unwrap().contains("lsm="));
    }
}
