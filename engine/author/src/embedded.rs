//! The files that a new project is made of, embedded by the build script.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
