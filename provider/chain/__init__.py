"""The chain as the daemon sees it: queries at a height, blocks in order, transactions. Wire types do not leave this
package."""
