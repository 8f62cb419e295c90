//! Must compile: shows that the driver finds the library and that a refusal below is not for want of it.

fn main() {
    let agency = solent::ident::AgencyId::new("harbourshire-csc");
    let _ = agency.as_str();
}
