"""What an operator does at the databases and artifact stores of a mesh, below the services: `oma admin`."""
