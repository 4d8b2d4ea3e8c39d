"""What leaves: a brief or report on its way to one recipient, as a signed webhook or as an e-mail."""
