//! The `solent` program: hands its arguments to `solent::cli` and exits with the code that comes back.

fn main() -> std::process::ExitCode {
    solent::cli::main()
}
