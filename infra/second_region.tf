# Optional: evidence a second time, in a region of your choice. The accounts are those of storage.tf; Azure Monitor writes the
# Activity Log to both (modules/subscription), because exported logs are append blobs, which object replication leaves out.
# With autoscale Cosmos DB has a read region there too (cosmos.tf); serverless accounts have one region.

# Digests are written once and never changed, so that the immutability policy of the copy never keeps one out.
resource "azurerm_storage_object_replication" "digests" {
  count = var.second_region == null ? 0 : 1

  source_storage_account_id      = azurerm_storage_account.archive["home"].id
  destination_storage_account_id = azurerm_storage_account.archive["second"].id

  rules {
    source_container_name      = azurerm_storage_container.digests["home"].name
    destination_container_name = azurerm_storage_container.digests["second"].name
    copy_blobs_created_after   = "Everything"
  }
}
