//! `cargo cinstall`: what it installs is found by pkg-config and by CMake, and programs built with either run. Skipped, and said so, where
//! cargo-c, pkg-config or CMake are not installed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn installed(program: &str, version: &[&str]) -> bool {
    let there = Command::new(program).args(version).output().is_ok_and(|o| o.status.success());
    if !there {
        println!("skipped: {program} is not installed");
    }
    there
}

fn done(command: &mut Command) -> Output {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    out
}

fn caller(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/audio/callers").join(name)
}

#[test]
fn what_is_installed_is_found_by_pkg_config_and_cmake() {
    if !installed("cargo", &["cinstall", "--version"]) || !installed("pkg-config", &["--version"]) {
        return;
    }
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (room, prefix) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (room, prefix) = (room.path(), prefix.path());
    // A build folder of its own: cargo holds a lock on the one that this test was built in.
    let mut install = Command::new("cargo");
    install.args(["cinstall", "--locked", "--offline", "-p", "cli-capi", "--prefix"]).arg(prefix);
    install.arg("--libdir").arg(prefix.join("lib")).arg("--target-dir").arg(room.join("target")).current_dir(crate_dir);
    // What cargo sets for tests would be taken for the installation's.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        if name != "CARGO_HOME" {
            install.env_remove(name);
        }
    }
    done(&mut install);

    let version = std::ffi::CStr::to_str(library_version()).unwrap().to_owned();
    let lib = prefix.join("lib");
    let major = version.split('.').next().unwrap();
    let soname = if major == "0" { version.rsplit_once('.').unwrap().0 } else { major };
    for file in ["libvouch.so", "libvouch.a", &format!("libvouch.so.{version}"), &format!("libvouch.so.{soname}")] {
        assert!(lib.join(file).exists(), "lib/{file} of {:?}", std::fs::read_dir(&lib).unwrap().collect::<Vec<_>>());
    }
    let dynamic = done(Command::new("readelf").arg("-d").arg(lib.join("libvouch.so")));
    let dynamic = String::from_utf8_lossy(&dynamic.stdout).into_owned();
    assert!(dynamic.contains(&format!("soname: [libvouch.so.{soname}]")), "{dynamic}");

    let calls = [caller("alice_enrol_1.wav"), caller("alice_call_1.wav")];
    let run = |program: &Path| {
        let out = Command::new(program).args(&calls).env("LD_LIBRARY_PATH", &lib).output().unwrap();
        assert!(String::from_utf8_lossy(&out.stdout).starts_with("ACCEPT"), "{}: {out:?}", program.display());
    };
    let source = crate_dir.join("examples/score_file.c");
    let config = |args: &[&str]| {
        let mut pkg = Command::new("pkg-config");
        let out = done(pkg.args(args).arg("vouch").env("PKG_CONFIG_PATH", lib.join("pkgconfig")));
        String::from_utf8(out.stdout).unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(config(&["--modversion"]), [version.as_str()]);
    for compiler in ["gcc", "clang"].into_iter().filter(|c| installed(c, &["--version"])) {
        let shared = room.join(format!("{compiler}-shared"));
        let mut cc = Command::new(compiler);
        cc.arg("-std=c99").arg(&source).args(config(&["--cflags", "--libs"])).arg("-o").arg(&shared);
        done(&mut cc);
        run(&shared);
        let fixed = room.join(format!("{compiler}-static"));
        let mut cc = Command::new(compiler);
        cc.arg("-std=c99").arg(&source).args(config(&["--cflags"])).arg(lib.join("libvouch.a"));
        // What the archive itself needs, which pkg-config tells too.
        let needs = config(&["--static", "--libs"]).into_iter().filter(|l| l != "-lvouch");
        done(cc.args(needs).args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&fixed));
        run(&fixed);
    }

    if !installed("cmake", &["--version"]) {
        return;
    }
    let project = room.join("project");
    std::fs::create_dir(&project).unwrap();
    std::fs::write(
        project.join("CMakeLists.txt"),
        format!(
            "cmake_minimum_required(VERSION 3.10)\nproject(app C)\nfind_package(vouch REQUIRED)\nforeach(kind vouch static)\n\
             add_executable(app_${{kind}} {})\ntarget_link_libraries(app_${{kind}} vouch::${{kind}})\nendforeach()\n",
            source.display()
        ),
    )
    .unwrap();
    let build = project.join("build");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(&project).arg("-B").arg(&build);
    done(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
    done(Command::new("cmake").arg("--build").arg(&build));
    run(&build.join("app_vouch"));
    run(&build.join("app_static"));
}

/// The library's own version.
fn library_version() -> &'static std::ffi::CStr {
    // SAFETY: the text ends with NUL and lives for ever, as the header says.
    unsafe { std::ffi::CStr::from_ptr(vouch::vouch_version()) }
}
