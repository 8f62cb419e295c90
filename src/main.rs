//! The `solent` program: hands its arguments to `solent::cli` and exits with the code that comes back.

/// Messages live short and in thousands of pieces: measured, a fifth less processor time a submission (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    solent::cli::main()
}
