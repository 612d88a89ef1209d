"""The toolbox: small things every ring may use, none of which knows the product."""
