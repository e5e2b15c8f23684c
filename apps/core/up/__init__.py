"""One command that starts every part of the product, keeps them healthy and takes them away again."""
