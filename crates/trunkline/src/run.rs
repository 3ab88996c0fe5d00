//! `run`: a command on one or many machines.

mod difference;
mod fold;
mod folder;
mod json;
mod lines;
mod live;
mod single;
mod spool;
mod tally;
mod text;
mod verdict;
mod view;
