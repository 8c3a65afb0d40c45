"""The command `akp`."""

from provider.cli.main import main

if __name__ == "__main__":
    main()
